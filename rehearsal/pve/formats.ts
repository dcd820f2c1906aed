import { isIP } from "node:net";
import { splitList } from "./fields.ts";
import { type PropertyString, parsePropertyString } from "./property-string.ts";

/** Fails with the product's own words where a text has not the format. */
export type Format = (text: string) => void;

const looksLike =
  (expression: RegExp, what: string): Format =>
  (text) => {
    if (!expression.test(text)) throw new Error(`value does not look like a valid ${what}`);
  };
const hostLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const dnsName = new RegExp(`^(?:${hostLabel}\\.)*${hostLabel}$`);
const realmName = "[A-Za-z][A-Za-z0-9._-]+";
const contentTypes = ["images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"];

export const nodeName = looksLike(new RegExp(`^${hostLabel}$`), "node name");
export const vmidText = looksLike(/^[1-9][0-9]{2,8}$/, "VM ID");
export const realm = looksLike(new RegExp(`^${realmName}$`), "realm");
export const unicastMac = looksLike(/^[a-f0-9][02468ace](?::[a-f0-9]{2}){5}$/i, "unicast MAC address");

export const address: Format = (text) => {
  if (isIP(text) === 0 && !dnsName.test(text))
    throw new Error(`value does not look like a valid address: ${text}`);
};
/** A mail address; an empty text takes one away. */
export const email: Format = (text) => {
  if (text !== "") looksLike(/^[^\s@]+@[^\s@]+$/, "email address")(text);
};
export const configId: Format = (text) => {
  if (!/^[a-z][a-z0-9_-]+$/i.test(text)) throw new Error(`invalid configuration ID '${text}'`);
};
export const contentType: Format = (text) => {
  if (!contentTypes.includes(text)) throw new Error(`invalid content type '${text}'`);
};
export const userName: Format = (text) => {
  if (!new RegExp(`^[^\\s:/]+@${realmName}$`).test(text))
    throw new Error(`value '${text}' does not look like a valid user name`);
};
export const tokenName: Format = (text) => {
  if (!new RegExp(`^[^\\s:/]+@${realmName}!${realmName}$`).test(text))
    throw new Error(`value '${text}' does not look like a valid token ID`);
};
export const roleName: Format = (text) => {
  if (!/^[A-Za-z0-9._-]+$/.test(text)) throw new Error(`role name '${text}' contains invalid characters`);
};
export const poolName: Format = (text) => {
  if (!/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){0,2}$/.test(text))
    throw new Error(`pool name '${text}' contains invalid characters`);
};
/** An address with its network, or where it comes from. */
export const ipv4Config: Format = (text) => {
  const [host = "", bits = "", ...more] = text.split("/");
  const isNetwork = isIP(host) === 4 && /^\d+$/.test(bits) && Number(bits) > 7 && Number(bits) <= 32;
  if (!["dhcp", "manual"].includes(text) && !(isNetwork && more.length === 0))
    throw new Error("value does not look like a valid ipv4 network configuration");
};

/** A list of texts that each have a format. */
export const listOf =
  (format: Format): Format =>
  (text) => {
    for (const each of splitList(text)) format(each);
  };

export const flag: Format = (text) => {
  if (!/^(?:1|on|yes|true|0|off|no|false)$/i.test(text))
    throw new Error(`type check ('boolean') failed - got '${text}'`);
};

const numberBetween =
  (type: "integer" | "number", expression: RegExp) =>
  (minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY): Format =>
  (text) => {
    if (!expression.test(text)) throw new Error(`type check ('${type}') failed - got '${text}'`);
    if (Number(text) < minimum) throw new Error(`value must have a minimum value of ${minimum}`);
    if (Number(text) > maximum) throw new Error(`value must have a maximum value of ${maximum}`);
  };
/** A whole number within bounds. */
export const whole = numberBetween("integer", /^-?\d+$/);
/** A number within bounds. */
export const decimal = numberBetween("number", /^-?\d+(?:\.\d+)?$/);

export const oneWordOf =
  (...words: readonly string[]): Format =>
  (text) => {
    if (!words.includes(text))
      throw new Error(`value '${text}' does not have a value in the enumeration '${words.join(", ")}'`);
  };

export const matching =
  (expression: RegExp, maxLength = Number.POSITIVE_INFINITY): Format =>
  (text) => {
    if (text.length > maxLength) throw new Error(`value may only be ${maxLength} characters long`);
    if (!expression.test(text)) throw new Error("value does not match the regex pattern");
  };

export const anything: Format = () => {};

/** What a text of properties may hold. */
export interface PropertyFormat {
  readonly properties: Readonly<Record<string, Format>>;
  readonly required?: readonly string[];
  /** Of a first part that names none. */
  readonly defaultKey?: string;
}

/** Parses a text of properties of which each has its format; fails with the property and the reason. */
export function parseProperties(
  value: string,
  { properties, required = [], defaultKey }: PropertyFormat,
): PropertyString {
  const parts = parsePropertyString(value, defaultKey, Object.keys(properties));
  for (const name of required) {
    if (!parts.has(name)) throw new Error(`${name}: property is missing and it is not optional`);
  }
  for (const [name, text] of parts) {
    try {
      properties[name]?.(text);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return parts;
}
