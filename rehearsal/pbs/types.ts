import { isIP } from "node:net";
import { parseSchedule } from "./calendar.ts";
import { type ParameterType, stringFault } from "./parameters.ts";

const safeId = "[A-Za-z0-9_][A-Za-z0-9._\\-]*";
const oneLine = /^[^\p{Cc}]*$/u;

export const id = {
  type: "string",
  minLength: 3,
  maxLength: 32,
  pattern: new RegExp(`^${safeId}$`),
} as const satisfies ParameterType;

export const comment = {
  type: "string",
  maxLength: 128,
  pattern: oneLine,
  optional: true,
} as const satisfies ParameterType;

export const digest = {
  type: "string",
  pattern: /^[a-f0-9]{64}$/,
  optional: true,
} as const satisfies ParameterType;

export const schedule = {
  type: "string",
  verify: (text) =>
    parseSchedule(text) ? undefined : `unable to parse calendar event at '${text}' - invalid calendar event`,
} as const satisfies ParameterType;

export const namespace = {
  type: "string",
  maxLength: 256,
  pattern: new RegExp(`^(?:(?:${safeId}/){0,7}${safeId})?$`),
  optional: true,
} as const satisfies ParameterType;

export const namespaceLevel = {
  type: "string",
  minLength: 1,
  maxLength: 32,
  pattern: new RegExp(`^${safeId}$`),
} as const satisfies ParameterType;

export const maxDepth = {
  type: "integer",
  minimum: 0,
  maximum: 7,
  optional: true,
} as const satisfies ParameterType;

export const threads = {
  type: "integer",
  minimum: 1,
  maximum: 32,
  optional: true,
} as const satisfies ParameterType;

const keep = { type: "integer", minimum: 1, optional: true } as const satisfies ParameterType;
export const keepRules = {
  "keep-last": keep,
  "keep-hourly": keep,
  "keep-daily": keep,
  "keep-weekly": keep,
  "keep-monthly": keep,
  "keep-yearly": keep,
};

export const userId = {
  type: "string",
  minLength: 3,
  maxLength: 64,
  pattern: new RegExp(`^[^\\s:/\\p{Cc}]+@${safeId}$`, "u"),
} as const satisfies ParameterType;

export const tokenName = {
  type: "string",
  pattern: new RegExp(`^${safeId}$`),
} as const satisfies ParameterType;

export const authId = {
  type: "string",
  minLength: 3,
  maxLength: 64,
  pattern: new RegExp(`^[^\\s:/\\p{Cc}]+@${safeId}(?:!${safeId})?$`, "u"),
} as const satisfies ParameterType;

export const aclPath = {
  type: "string",
  minLength: 1,
  maxLength: 128,
  pattern: new RegExp(`^(?:/|(?:/${safeId})+)$`),
} as const satisfies ParameterType;

export const personName = {
  type: "string",
  minLength: 2,
  maxLength: 64,
  pattern: oneLine,
  optional: true,
} as const satisfies ParameterType;

export const password = {
  type: "string",
  minLength: 8,
  maxLength: 64,
  pattern: oneLine,
} as const satisfies ParameterType;

export const expire = { type: "integer", minimum: 0, optional: true } as const satisfies ParameterType;
export const flag = { type: "boolean", optional: true } as const satisfies ParameterType;
export const text = { type: "string", optional: true } as const satisfies ParameterType;
export const backupId = {
  type: "string",
  pattern: new RegExp(`^${safeId}$`),
} as const satisfies ParameterType;
export const backupType = { type: "string", enum: ["vm", "ct", "host"] } as const satisfies ParameterType;
export const backupTime = { type: "integer", minimum: 1 } as const satisfies ParameterType;
export const node = {
  type: "string",
  pattern: /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
} as const satisfies ParameterType;

export const upid = {
  type: "string",
  minLength: 36,
  pattern:
    /^UPID:[a-zA-Z0-9][a-zA-Z0-9-]*:[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:[0-9A-Fa-f]{8,16}:[0-9A-Fa-f]{8}:[^:\s]+:[^:\s]*:[^:\s]+:$/,
} as const satisfies ParameterType;

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const hostName = new RegExp(`^(?:${label}\\.)*${label}$`);

/** The reason why a text is neither a host's name nor an address. */
export function hostFault(text: string): string | undefined {
  return hostName.test(text) || isIP(text) !== 0 ? undefined : "value does not match the regex pattern";
}

export const host = { type: "string", verify: hostFault } as const satisfies ParameterType;
export const fingerprint = {
  type: "string",
  pattern: /^(?:[0-9a-fA-F]{2})(?::[0-9a-fA-F]{2}){31}$/,
  optional: true,
} as const satisfies ParameterType;

/** Bytes per second, such as `10 MiB`. */
export const rate = {
  type: "string",
  minLength: 1,
  maxLength: 64,
  optional: true,
  verify: (text) =>
    /^\d+(?:\.\d+)?\s*(?:[KMGTPE]i?)?B?$/i.test(text) ? undefined : `unable to parse human size '${text}'`,
} as const satisfies ParameterType;
export const rates = { "rate-in": rate, "rate-out": rate, "burst-in": rate, "burst-out": rate };

/** An optional list whose items obey a rule. */
export function listOf(verifyItem?: (text: string) => string | undefined): ParameterType & { type: "array" } {
  return { type: "array", optional: true, ...(verifyItem ? { verifyItem } : {}) };
}

/** A check of list items by a type of text. */
export function asText(
  type: ParameterType & { readonly type: "string" },
): (text: string) => string | undefined {
  return (text) => stringFault(type, text);
}

export function optional<T extends ParameterType>(type: T): T & { readonly optional: true } {
  return { ...type, optional: true };
}
