import type { z } from "zod";

/** `gcAtimeCutoff` → `gc-atime-cutoff`: the server's name of a property. */
export function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `gc-atime-cutoff` → `gcAtimeCutoff`: our name of a server's property. */
export function toCamel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * A value as the schema has it. The server answers with a number or a boolean where another version of it answers with
 * text, and none of that is a change. A value that fits in no way is returned as it is, so that it shows as drift.
 */
export function coerce(type: z.ZodType, value: unknown): unknown {
  const readings: unknown[] = [value];
  if (typeof value === "string" && value.trim() !== "") readings.push(Number(value));
  if (value === 1 || value === "1" || value === "true") readings.push(true);
  if (value === 0 || value === "0" || value === "false") readings.push(false);
  if (typeof value === "number" || typeof value === "boolean") readings.push(String(value));
  for (const reading of readings) {
    const parsed = type.safeParse(reading);
    if (parsed.success) return parsed.data;
  }
  return value;
}

/** The values that a schema fills in for what is left out. */
export function defaultsOf(shape: Readonly<Record<string, z.ZodType>>): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [property, type] of Object.entries(shape)) {
    const parsed = type.safeParse(undefined);
    if (parsed.success && parsed.data !== undefined) defaults[property] = parsed.data;
  }
  return defaults;
}

/**
 * Splits a property string of the server (`read-only,message="until noon"`) into its parts by their names.
 * @param defaultKey the name of a part that stands without one
 */
export function parsePropertyString(text: string, defaultKey?: string): Record<string, string> {
  const parts: Record<string, string> = {};
  for (const match of text.matchAll(/(?:([a-z0-9-]+)=)?("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/g)) {
    const [whole, name = defaultKey, value = ""] = match;
    if (whole === "" || name === undefined) continue;
    parts[name] = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
  }
  return parts;
}

export type PropertyStringParts = Readonly<Record<string, string | number | boolean | undefined>>;

/** The opposite of {@link parsePropertyString}, in the order of the names, so that equal values are equal texts. */
export function printPropertyString(parts: PropertyStringParts): string {
  return Object.entries(parts)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${quoteIfNeeded(String(value))}`)
    .join(",");
}

function quoteIfNeeded(value: string): string {
  return /[",\\]|^\s|\s$/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value;
}
