import { isDeepStrictEqual } from "node:util";

/** What differs between two values, leaf by leaf, such as `cpu.cores 2 → 4`. Keys that only one of them has count. */
export function differences(path: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(path === "" ? key : `${path}.${key}`, before[key], after[key]));
  }
  return [`${path} ${shown(before)} → ${shown(after)}`];
}

function shown(value: unknown): string {
  return value === undefined ? "(none)" : JSON.stringify(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
