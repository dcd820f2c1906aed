import { isIP } from "node:net";
import { type Described, describedSchema } from "./api-description.ts";

/**
 * A pattern of a description as an expression of this language: without the slashes around it, with the classes of
 * POSIX and the flags of Perl translated. Undefined where the pattern uses what this language has not.
 */
export function patternOf(text: string): RegExp | undefined {
  if (!patterns.has(text)) patterns.set(text, compile(text));
  return patterns.get(text);
}

const patterns = new Map<string, RegExp | undefined>();

function compile(text: string): RegExp | undefined {
  const delimited = /^\/(.*)\/$/s.exec(text);
  const source = (delimited?.[1] ?? `^(?:${text})$`)
    .replaceAll("[[:^cntrl:]]", "[^\\x00-\\x1f\\x7f]")
    .replaceAll("[:cntrl:]", "\\x00-\\x1f\\x7f")
    .replaceAll(/\(\?P</g, "(?<")
    .replaceAll(/\(\?(?:\^i?:|>)/g, "(?:")
    .replace("(?m)", "")
    .replaceAll("{,", "{0,");
  try {
    return new RegExp(source, `${text.includes("(?^i:") ? "i" : ""}${text.includes("(?m)") ? "m" : ""}`);
  } catch {
    return undefined;
  }
}

const hostLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const dnsName = new RegExp(`^(?:${hostLabel}\\.)*${hostLabel}$`);
const matches = (pattern: RegExp) => (text: string) => pattern.test(text);
const isCidr = (text: string, versions: readonly number[]) => {
  const [address = "", bits = "", ...more] = text.split("/");
  const version = isIP(address);
  return versions.includes(version) && /^\d{1,3}$/.test(bits) && more.length === 0
    ? Number(bits) <= (version === 4 ? 32 : 128)
    : false;
};

/** The formats that a description gives by name only, by what the product's documentation says of them. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  address: (text) => isIP(text) !== 0 || dnsName.test(text),
  CIDR: (text) => isCidr(text, [4, 6]),
  CIDRv4: (text) => isCidr(text, [4]),
  CIDRv6: (text) => isCidr(text, [6]),
  "disk-size": matches(/^\d+(?:\.\d+)?[KMGT]?$/),
  "dns-name": matches(dnsName),
  email: matches(/^[^\s@]+@[^\s@]+$/),
  "email-or-username": matches(/^[^\s,;]+$/),
  ip: (text) => isIP(text) !== 0,
  ipv4: (text) => isIP(text) === 4,
  ipv6: (text) => isIP(text) === 6,
  "mac-addr": matches(/^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/i),
  "pve-bridge-id": matches(/^[-_.\w]+$/),
  "pve-configid": matches(/^[a-z][a-z0-9_-]+$/i),
  "pve-groupid": matches(/^[A-Za-z0-9._-]+$/),
  "pve-node": matches(new RegExp(`^${hostLabel}$`)),
  "pve-poolid": matches(/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){0,2}$/),
  "pve-priv": matches(/^[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)+$/),
  "pve-realm": matches(/^[A-Za-z][A-Za-z0-9._-]+$/),
  "pve-roleid": matches(/^[A-Za-z0-9._-]+$/),
  "pve-storage-content": matches(/^(?:images|rootdir|vztmpl|iso|backup|snippets|import|none)$/),
  "pve-storage-id": matches(/^[a-z][a-z0-9._-]*[a-z0-9]$/i),
  "pve-tag": matches(/^[a-z0-9_][a-z0-9_.+-]*$/i),
  "pve-tokenid": matches(/^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$/),
  "pve-userid": matches(/^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+$/),
  "pve-vmid": matches(/^[1-9][0-9]{2,8}$/),
  "pve-volume-id": matches(/^[a-z][a-z0-9._-]*[a-z0-9]:\S+$/i),
  urlencoded: matches(/^(?:[^%]|%[0-9a-f]{2})*$/i),
};

/** Whether a text has a format; true also for the formats that nothing here knows. */
export function hasFormat(name: string, text: string): boolean {
  if (name.endsWith("-opt") && text === "") return true;
  if (name.endsWith("-list") && formats[name] === undefined) {
    const one = name.slice(0, -"-list".length);
    return text.split(/[\s,;\0]+/).every((each) => each === "" || hasFormat(one, each));
  }
  return formats[name.replace(/-opt$/, "")]?.(text) ?? true;
}

/** Takes a text of properties (`virtio=BC:24:11:00:00:01,bridge=vmbr0`) apart by its description. */
export function parseProperties(
  format: Readonly<Record<string, unknown>>,
  text: string,
): { readonly described: Described; readonly values: Record<string, string>; readonly problems: string[] } {
  // The backup server describes an object; the cluster lists its properties.
  const isObject = typeof format.type === "string";
  const described = describedSchema.parse(isObject ? format : { type: "object", properties: format });
  const properties = new Map(Object.entries((isObject ? format.properties : format) as typeof format));
  const word = (name: string, key: string) => {
    const property = properties.get(name);
    const found =
      typeof property === "object" && property !== null ? new Map(Object.entries(property)) : null;
    return found?.get(key) as unknown;
  };
  const bare = isObject
    ? format.default_key
    : [...properties.keys()].find((name) => word(name, "default_key") === 1);
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const part of text.match(/(?:"(?:[^"\\]|\\.)*"|[^,])+/g) ?? []) {
    const at = part.indexOf("=");
    const isBare = at < 0 && typeof bare === "string";
    const key = isBare ? bare : part.slice(0, at < 0 ? undefined : at);
    const value = unquoted(part.slice(at + 1));
    const [alias, keyAlias] = [word(key, "alias"), word(key, "keyAlias")];
    if (typeof keyAlias === "string") values[keyAlias] = key;
    const name = typeof alias === "string" ? alias : key;
    if (Object.hasOwn(values, name)) problems.push(`${name} occurs twice`);
    values[name] = value;
  }
  return { described: { ...described, additionalProperties: false }, values, problems };
}

/** The backup server quotes values with commas. */
function unquoted(value: string): string {
  const inner = /^"(.*)"$/s.exec(value)?.[1];
  return inner?.replaceAll(/\\(.)/gs, "$1") ?? value;
}
