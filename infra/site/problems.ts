import type { z } from "zod";

/** One thing that is wrong with a site. */
export interface Problem {
  /** For example `guests[3].address`. */
  readonly path: string;
  /** What was given; undefined where it is missing. */
  readonly value: unknown;
  readonly reason: string;
  /** What would be accepted. */
  readonly allowed: string;
}

/** All problems of a site. The message is meant for a person: no stack is needed to act on it. */
export class SiteError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`the site has ${count}:\n${problems.map((problem) => `  ${format(problem)}`).join("\n")}`);
    this.name = "SiteError";
    this.problems = problems;
  }
}

export function format({ path, value, reason, allowed }: Problem): string {
  return `${path}: ${shown(value)}: ${reason}; allowed: ${allowed}`;
}

/** A value on one line, whatever it is: what cannot be shown must not hide what is wrong with it. */
function shown(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "missing";
    case "number":
    case "bigint":
      return String(value);
    case "function":
    case "symbol":
      return `a ${typeof value}`;
  }
  try {
    return abbreviated(JSON.stringify(value) ?? "a value without content");
  } catch {
    return "a value that cannot be shown";
  }
}

/** Turns an issue of zod into a problem with the value that caused it. */
export function problemOf(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[], given: unknown): Problem {
  const value = issue.path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, key)
        ? (at as Record<PropertyKey, unknown>)[key]
        : undefined,
    given,
  );
  const path = pathOf([...prefix, ...issue.path]);
  if (issue.code === "unrecognized_keys") {
    return {
      path,
      value: issue.keys,
      reason: "there are no such properties",
      allowed: "the properties the schema documents",
    };
  }
  if (issue.code === "invalid_key") {
    return {
      path,
      value: issue.path.at(-1),
      reason: "nothing can be called so",
      allowed: issue.issues[0]?.message ?? "another name",
    };
  }
  if (value === undefined && issue.code === "invalid_type") {
    return { path, value, reason: "it is required", allowed: `a value of type ${issue.expected}` };
  }
  if (issue.code === "invalid_type") {
    return {
      path,
      value,
      reason: "it has the wrong type",
      allowed: isDefaultMessage(issue.message) ? issue.expected : issue.message,
    };
  }
  if (issue.code === "invalid_value") {
    return {
      path,
      value,
      reason: "it is none of the choices",
      allowed: isDefaultMessage(issue.message) ? issue.values.map(String).join(", ") : issue.message,
    };
  }
  if (issue.code === "invalid_union") {
    return { path, value, reason: "it matches none of the forms", allowed: allowedForms(issue) };
  }
  return { path, value, reason: "it is not valid", allowed: issue.message };
}

function allowedForms(issue: z.core.$ZodIssueInvalidUnion): string {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  return options.length > 0 ? options.join(", ") : issue.message;
}

/** Zod's own messages begin so; ours say what is allowed. */
function isDefaultMessage(message: string): boolean {
  return message.startsWith("Invalid ");
}

export function pathOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      const name = String(key);
      // Any other name would read as a part of the path, or as the end of the line.
      return /^[\w.-]+$/.test(name) ? `${index > 0 ? "." : ""}${name}` : `[${JSON.stringify(name)}]`;
    })
    .join("");
}

/**
 * Properties called `__proto__`: JavaScript takes the name for something else, so that what they hold would be lost
 * without a word.
 */
export function unusableNames(given: object): Problem[] {
  const seen = new Set<object>();
  const problems: Problem[] = [];
  const open: { readonly at: object; readonly keys: readonly PropertyKey[] }[] = [{ at: given, keys: [] }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { at, keys } = next;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const [key, value] of Object.entries(at)) {
      const path = [...keys, Array.isArray(at) ? Number(key) : key];
      if (key === "__proto__")
        problems.push({
          path: pathOf(path),
          value,
          reason: "no property can be called so",
          allowed: "another name",
        });
      if (typeof value === "object" && value !== null && keys.length < deepest)
        open.push({ at: value, keys: path });
    }
  }
  return problems;
}

/** No site is nested deeper. */
const deepest = 12;

function abbreviated(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
