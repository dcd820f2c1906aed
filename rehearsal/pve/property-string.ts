/** One parsed `key=value,key=value` string; a part without a key is the default key's value. */
export type PropertyString = Map<string, string>;

/**
 * Parses the product's property strings (`local:vm-1-disk-0,size=32G`).
 *
 * @param defaultKey key of a first part that has none; without it such a part fails
 * @param known accepted keys; default any
 */
export function parsePropertyString(
  value: string,
  defaultKey?: string,
  known?: readonly string[],
): PropertyString {
  const result: PropertyString = new Map();
  for (const part of value.split(",")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const key = at === -1 ? defaultKey : part.slice(0, at).trim();
    if (key === undefined) throw new Error(`value without key, but schema does not define a default key`);
    if (result.has(key)) throw new Error(`duplicate key in comma-separated list property: ${key}`);
    if (known !== undefined && !known.includes(key)) {
      throw new Error(
        `${key}: property is not defined in schema and the schema does not allow additional properties`,
      );
    }
    result.set(key, at === -1 ? part : part.slice(at + 1));
  }
  return result;
}

/** Writes a property string again, the default key's value first and without its key. */
export function formatPropertyString(properties: PropertyString, defaultKey?: string): string {
  const parts: string[] = [];
  if (defaultKey !== undefined && properties.has(defaultKey)) parts.push(properties.get(defaultKey) ?? "");
  for (const [key, value] of properties) if (key !== defaultKey) parts.push(`${key}=${value}`);
  return parts.join(",");
}

/** As the API shows such a string where it reads it as an object: numbers as strings stay strings. */
export function propertyObject(value: string): Record<string, string> {
  return Object.fromEntries(parsePropertyString(value));
}

const keepKeys = [
  "keep-all",
  "keep-last",
  "keep-hourly",
  "keep-daily",
  "keep-weekly",
  "keep-monthly",
  "keep-yearly",
];

/** Checks a `prune-backups` value; fails with the reason. */
export function parsePruneBackups(value: string): PropertyString {
  const properties = parsePropertyString(value, undefined, keepKeys);
  for (const [key, count] of properties) {
    if (key === "keep-all") {
      if (count !== "0" && count !== "1")
        throw new Error(`${key}: type check ('boolean') failed - got '${count}'`);
    } else if (!/^\d+$/.test(count)) {
      throw new Error(`${key}: type check ('integer') failed - got '${count}'`);
    }
  }
  if (properties.get("keep-all") === "1" && properties.size > 1) {
    throw new Error("keep-all cannot be set together with other options.");
  }
  return properties;
}
