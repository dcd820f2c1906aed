import type { z } from "zod";

/** An answer other than 200, as Proxmox VE gives it: the message is the HTTP reason and part of the body. */
export class ApiError extends Error {
  readonly status: number;
  /** Parameter name → what is wrong with it. */
  readonly errors: Record<string, string> | undefined;

  constructor(status: number, message: string, errors?: Record<string, string>) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** 500 with the product's own words. */
export function failure(message: string): ApiError {
  return new ApiError(500, message);
}

/** 400 about one or more parameters. */
export function parameterError(errors: Record<string, string>): ApiError {
  return new ApiError(400, "Parameter verification failed.", errors);
}

/** 403 for a privilege that the caller lacks. */
export function permissionError(path: string, privileges: readonly string[]): ApiError {
  return new ApiError(403, `Permission check failed (${path}, ${privileges.join("|")})`);
}

/** Puts what a schema found into the product's words, parameter by parameter. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], input: Record<string, unknown>): ApiError {
  const errors: Record<string, string> = {};
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        errors[key] = "property is not defined in schema and the schema does not allow additional properties";
      }
      continue;
    }
    const name = String(issue.path[0] ?? "");
    errors[name] ??= explain(issue, input[name]);
  }
  return parameterError(errors);
}

function explain(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return "property is missing and it is not optional";
  switch (issue.code) {
    case "invalid_type":
      return `type check ('${issue.expected === "number" ? "integer" : issue.expected}') failed - got '${String(value)}'`;
    case "invalid_value":
      return `value '${String(value)}' does not have a value in the enumeration '${issue.values.join(", ")}'`;
    case "too_small":
      return issue.origin === "string"
        ? `value must be at least ${issue.minimum} characters long`
        : `value must have a minimum value of ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string"
        ? `value may only be ${issue.maximum} characters long`
        : `value must have a maximum value of ${issue.maximum}`;
    case "invalid_format":
      return "value does not match the regex pattern";
    default:
      return issue.message;
  }
}
