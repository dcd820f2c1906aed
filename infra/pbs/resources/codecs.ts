import type { z } from "zod";
import {
  coerce,
  type PropertyStringParts,
  parsePropertyString,
  printPropertyString,
  toCamel,
  toKebab,
} from "./properties.ts";
import type { Codec } from "./property-map.ts";

/**
 * An object that the server keeps in one text and shows either as that text or as an object.
 * @param defaultKey the name of a part that may stand without one
 */
export function objectCodec(type: z.ZodObject, defaultKey?: string): Codec {
  const shape: Record<string, z.ZodType> = type.shape;
  return {
    toServer: (value) =>
      printPropertyString(
        Object.fromEntries(
          Object.entries(value as PropertyStringParts).map(([name, part]) => [toKebab(name), part]),
        ),
      ),
    fromServer: (value) =>
      Object.fromEntries(
        Object.entries(partsOf(value, defaultKey)).map(([kebab, part]) => {
          const name = toCamel(kebab);
          const known = shape[name];
          return [name, known ? coerce(known, part) : String(part)];
        }),
      ),
  };
}

/** Text of any kind, which the server keeps in base64. */
export const base64Text: Codec = {
  toServer: (value) => encodeBase64(String(value)),
  fromServer: (value) => decodeBase64(String(value)),
};

/** Values by name, which the server keeps as a list of texts with the values in base64. */
export const namedValues: Codec = {
  toServer: (value) => namedTexts(value as Record<string, string>),
  fromServer: (value) =>
    Object.fromEntries(named(value).map(({ name, value = "" }) => [name, decodeBase64(value)])),
};

/** Secrets by name: the server shows the names alone, and keeps what is sent without a value. */
export const namedSecrets: Codec = {
  toServer: (value) => namedTexts(value as Record<string, string>),
  fromServer: (value, recorded) => {
    const known = new Map(Object.entries((recorded ?? {}) as Record<string, string>));
    return Object.fromEntries(named(value).map(({ name }) => [name, known.get(name) ?? ""]));
  },
};

function namedTexts(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) =>
      printPropertyString({ name, value: value === "" ? undefined : encodeBase64(value) }),
    );
}

function named(value: unknown): { name: string; value?: string | undefined }[] {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.map((item) => {
    const parts = partsOf(item);
    return {
      name: String(parts.name),
      value: parts.value === undefined ? undefined : String(parts.value),
    };
  });
}

function partsOf(value: unknown, defaultKey?: string): Readonly<Record<string, unknown>> {
  return typeof value === "string"
    ? parsePropertyString(value, defaultKey)
    : (value as Record<string, unknown>);
}

function encodeBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

function decodeBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}
