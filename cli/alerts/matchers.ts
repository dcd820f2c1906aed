import { exitCodes, UserError } from "../terminal.ts";
import type { ApiMatcher } from "./api.ts";

const shape = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;

/**
 * Reads `severity=warning`, `alertname=~"Postgres.+"`, `instance!=proj-pg02`; quotes may be left out.
 * @throws UserError naming what is wrong with it
 */
export function parseMatcher(text: string): ApiMatcher {
  const [, name, operator, given = ""] = shape.exec(text) ?? [];
  if (name === undefined || operator === undefined) {
    throw usage(
      `"${text}" is no matcher`,
      'write LABEL=VALUE, LABEL!=VALUE, LABEL=~"REGEX" or LABEL!~"REGEX"',
    );
  }
  const value = /^"(.*)"$/s.exec(given)?.[1] ?? given;
  const isRegex = operator.endsWith("~");
  if (isRegex && !isRegularExpression(value))
    throw usage(`${value} is no regular expression`, "quote it for the shell, and close every bracket");
  return { name, value, isRegex, isEqual: operator.startsWith("=") };
}

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** As {@link parseMatcher} reads it. */
export function matcherText({ name, value, isRegex, isEqual }: ApiMatcher): string {
  const operator = isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
  return `${name}${operator}${/^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value)}`;
}

/** Whether an alert with these labels is meant; a label that it lacks counts as empty, as for Alertmanager. */
export function matches(matchers: readonly ApiMatcher[], labels: Readonly<Record<string, string>>): boolean {
  return matchers.every(({ name, value, isRegex, isEqual }) => {
    const actual = labels[name] ?? "";
    return (isRegex ? new RegExp(`^(?:${value})$`, "s").test(actual) : actual === value) === isEqual;
  });
}

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/**
 * Reads 30m, 2h, 1h30m, 7d as seconds.
 * @throws UserError where it is no time, or none at all
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)];
  const seconds = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * unitSeconds[unit as keyof typeof unitSeconds],
    0,
  );
  if (seconds > 0 && parts.map(([part]) => part).join("") === text) return seconds;
  throw usage(`"${text}" is no length of time`, "write for example 30m, 2h, 1h30m or 7d");
}

/** A mistake in what was typed. */
export function usage(message: string, hint: string): UserError {
  return new UserError(message, { hint, exitCode: exitCodes.usage });
}
