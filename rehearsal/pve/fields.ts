import { z } from "zod";

/**
 * Parameter types of the API. Values arrive as form strings or as JSON, so each type accepts both, as the
 * product does.
 */

const asText = (value: unknown): unknown => (typeof value === "number" ? String(value) : value);

const asInteger = (value: unknown): unknown =>
  typeof value === "string" && /^[+-]?\d+$/.test(value) ? Number(value) : value;

const truths = new Map<unknown, boolean>([
  ...[true, 1, "1", "on", "yes", "true"].map((value) => [value, true] as const),
  ...[false, 0, "0", "off", "no", "false"].map((value) => [value, false] as const),
]);

/** A string, at most so many characters long. */
export function text(maxLength?: number) {
  return z.preprocess(asText, maxLength === undefined ? z.string() : z.string().max(maxLength));
}

/** A password that is being set. */
export const newPassword = () => z.preprocess(asText, z.string().min(8).max(64));

/** A string that a pattern describes. `format` makes the message the product's "invalid format - …". */
export function pattern(expression: RegExp, format?: string) {
  return z.preprocess(
    asText,
    format === undefined
      ? z.string().regex(expression)
      : z.string().refine((value) => expression.test(value), { error: `invalid format - ${format}` }),
  );
}

/** A string that a parser accepts, at most so many characters long; the parser's error is the message. */
export function parsed(parse: (value: string) => unknown, maxLength = Number.POSITIVE_INFINITY) {
  return z.preprocess(
    asText,
    z
      .string()
      .max(maxLength)
      .superRefine((value, context) => {
        try {
          parse(value);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          context.addIssue({ code: "custom", message: `invalid format - ${reason}` });
        }
      }),
  );
}

/** A whole number. */
export function integer(minimum?: number, maximum?: number) {
  let number = z.int();
  if (minimum !== undefined) number = number.min(minimum);
  if (maximum !== undefined) number = number.max(maximum);
  return z.preprocess(asInteger, number);
}

/** A boolean, in any of the spellings the product takes. */
export function boolean() {
  return z.preprocess((value) => truths.get(value) ?? value, z.boolean());
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.preprocess(asText, z.enum(values));
}

/** A list of strings: a JSON array, or a form field given once or more. */
export function strings() {
  return z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(z.string()));
}

/** VM id. */
export const vmid = () => integer(100, 999_999_999);
/** Name of a node. */
export const node = () =>
  pattern(/^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/, "value does not look like a valid node name");
/** Id of a storage. */
export const storageId = () =>
  pattern(/^[a-z][a-z0-9\-_.]*[a-z0-9]$/i, "storage ID 'value' contains illegal characters");
/** Id of a job or another section of a configuration file. */
export const configId = () => pattern(/^[a-z][a-z0-9_-]{1,49}$/i, "invalid configuration ID");
/** SHA-1 of a VM's configuration, as given by a read. */
export const vmDigest = () => text(40);
/** The same of another configuration file. */
export const digest = () => text(64);

/** Splits a list that the product takes with commas, semicolons or blanks. */
export function splitList(value: string | undefined): string[] {
  return (value ?? "").split(/[,;\s]+/).filter((part) => part !== "");
}

/** `{name0: …, name1: …}` for the product's `name[n]` parameters. */
export function indexed<T extends z.ZodType>(name: string, count: number, field: T): Record<string, T> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, field]));
}
