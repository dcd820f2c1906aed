import { parseCalendarEvent } from "../../infra/pbs/calendar.ts";
import type { ParameterType } from "./parameters.ts";

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
    parseCalendarEvent(text).ok
      ? undefined
      : `unable to parse calendar event at '${text}' - invalid calendar event`,
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

export function optional<T extends ParameterType>(type: T): T & { readonly optional: true } {
  return { ...type, optional: true };
}
