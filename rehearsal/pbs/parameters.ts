import { parameterError } from "./errors.ts";

/** What a parameter may be; the bounds are those of the API's description, and a test holds them against it. */
export type ParameterType = {
  readonly optional?: boolean;
} & (
  | {
      readonly type: "string";
      readonly pattern?: RegExp;
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly enum?: readonly string[];
      /** A deeper check: the reason why the value is wrong. */
      readonly verify?: (value: string) => string | undefined;
    }
  | { readonly type: "integer"; readonly minimum?: number; readonly maximum?: number }
  | { readonly type: "boolean" }
  | {
      readonly type: "array";
      readonly enum?: readonly string[];
      /** A check of each item: the reason why it is wrong. */
      readonly verifyItem?: (value: string) => string | undefined;
    }
);

export type ParameterTypes = Readonly<Record<string, ParameterType>>;
export type ParameterValue = string | number | boolean | string[];
export type Values = Record<string, ParameterValue>;

/**
 * Parses what a form or a query string gave and refuses every parameter that does not fit, all at once.
 * @throws ApiError
 */
export function verifyParameters(
  types: ParameterTypes,
  given: Readonly<Record<string, readonly unknown[]>>,
): Values {
  const values: Values = {};
  const errors: [string, string][] = [];
  for (const [name, list] of Object.entries(given)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (!type) {
      errors.push([name, "schema does not allow additional properties."]);
      continue;
    }
    if (type.type !== "array" && list.length > 1) {
      errors.push([name, "parameter specified multiple times."]);
      continue;
    }
    const parsed = type.type === "array" ? parseList(type, list) : parseOne(type, list[0]);
    if ("reason" in parsed) errors.push([name, parsed.reason]);
    else values[name] = parsed.value;
  }
  for (const [name, type] of Object.entries(types)) {
    if (!type.optional && !Object.hasOwn(given, name)) {
      errors.push([name, "parameter is missing and it is not optional."]);
    }
  }
  if (errors.length > 0) throw parameterError(errors);
  return values;
}

type Parsed = { readonly value: ParameterValue } | { readonly reason: string };

function parseList(type: ParameterType & { type: "array" }, list: readonly unknown[]): Parsed {
  const items = list.map(String);
  const wrong = type.enum && items.find((item) => !type.enum?.includes(item));
  if (wrong !== undefined) return { reason: `value '${wrong}' is not defined in the enumeration.` };
  const reason = items.map((item) => type.verifyItem?.(item)).find((found) => found !== undefined);
  return reason === undefined ? { value: items } : { reason };
}

function parseOne(type: ParameterType, given: unknown): Parsed {
  const text = String(given);
  if (type.type === "boolean") {
    if (/^(1|on|yes|true)$/i.test(text)) return { value: true };
    if (/^(0|off|no|false)$/i.test(text)) return { value: false };
    return { reason: `Value '${text}' is not a valid boolean.` };
  }
  if (type.type === "integer") {
    if (!/^-?\d+$/.test(text)) return { reason: "invalid digit found in string" };
    const value = Number(text);
    if (type.minimum !== undefined && value < type.minimum) {
      return { reason: `value must have a minimum value of ${type.minimum} (got ${value})` };
    }
    if (type.maximum !== undefined && value > type.maximum) {
      return { reason: `value must have a maximum value of ${type.maximum} (got ${value})` };
    }
    return { value };
  }
  if (type.type === "array") return parseList(type, [given]);
  const reason = stringFault(type, text);
  return reason === undefined ? { value: text } : { reason };
}

/** The reason why a text does not fit a type. */
export function stringFault(type: ParameterType & { type: "string" }, text: string): string | undefined {
  if (type.minLength !== undefined && text.length < type.minLength) {
    return `value must be at least ${type.minLength} characters long`;
  }
  if (type.maxLength !== undefined && text.length > type.maxLength) {
    return `value may only be ${type.maxLength} characters long`;
  }
  if (type.enum && !type.enum.includes(text)) return `value '${text}' is not defined in the enumeration.`;
  if (type.pattern && !type.pattern.test(text)) return "value does not match the regex pattern";
  return type.verify?.(text);
}
