import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

/** JSON given as text or as a value; handed on as text, as the real provider does. */
export const jsonText = z
  .union([z.string(), z.record(z.string(), z.unknown())])
  .transform((value) => (typeof value === "string" ? value : JSON.stringify(value)))
  .refine(isJson, "must be JSON");

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether two IAM policy documents mean the same. Spaces, the order of properties and of lists do not
 * count, and a list of one is the value itself.
 */
export function samePolicy(a: unknown, b: unknown): boolean {
  if (typeof a !== "string" || typeof b !== "string" || !isJson(a) || !isJson(b)) return a === b;
  return isDeepStrictEqual(canonical(JSON.parse(a)), canonical(JSON.parse(b)));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical);
    if (items.length === 1) return items[0];
    return items.sort((a, b) => (stableText(a) < stableText(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
}

function stableText(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
