import type { z } from "zod";
import type { Note } from "./engine.ts";
import { metaOf, partOf } from "./meta.ts";
import type { AnyResource, Failure } from "./resource.ts";
import { containsUnknown, isRecord, type Properties } from "./values.ts";

export interface Checked {
  /** The inputs with defaults filled in; where there are failures, the inputs as they were given. */
  readonly inputs: Properties;
  readonly failures: readonly Failure[];
}

/**
 * Validates a resource's inputs property by property. A property that holds a value known only after the update is
 * passed on unchecked: it is checked again, known, when the update reaches it.
 */
export function checkInputs(resource: AnyResource<never>, given: Properties): Checked {
  const { inputs, failures } = checkShape(resource.inputs, given);
  if (failures.length > 0) return { inputs: given, failures };
  if (resource.checkTogether && !containsUnknown(inputs)) {
    const together = resource.checkTogether(inputs);
    if (together.length > 0) return { inputs: given, failures: together };
  }
  return { inputs, failures: [] };
}

/** Validates the values of a shape one by one and names every property that the shape does not have. */
export function checkShape(schema: z.ZodObject, given: Properties): Checked {
  const inputs: Properties = {};
  const failures: Failure[] = [];
  const shape: Record<string, z.ZodType> = schema.shape;
  for (const property of Object.keys(given)) {
    // Pulumi adds properties of its own under this prefix (`__defaults`, `__internal`).
    if (Object.hasOwn(shape, property) || property.startsWith("__")) continue;
    failures.push({
      property,
      reason: `there is no property "${property}"; the properties are ${Object.keys(shape).join(", ")}`,
    });
  }
  for (const [property, type] of Object.entries(shape)) {
    const value = given[property];
    if (containsUnknown(value)) {
      inputs[property] = value;
      continue;
    }
    const parsed = type.safeParse(value === null ? undefined : value);
    if (parsed.success) {
      if (parsed.data !== undefined) inputs[property] = parsed.data;
    } else {
      failures.push(...parsed.error.issues.map((issue) => failure(property, issue, type, value)));
    }
  }
  return { inputs, failures };
}

/**
 * Parses a provider's configuration. The engine hands over every value that is not a string as JSON text.
 * @throws Error with all failures, one a line.
 */
export function parseConfig<Config>(schema: z.ZodObject & z.ZodType<Config>, given: Properties): Config {
  const decoded: Properties = {};
  const unknown = Object.keys(given).filter(
    (name) => !Object.hasOwn(schema.shape, name) && !isEnginesOwn(name),
  );
  if (unknown.length > 0) {
    const known = Object.keys(schema.shape).join(", ");
    throw new Error(
      unknown.map((name) => `${name}: there is no such setting; there are ${known}`).join("\n"),
    );
  }
  for (const [property, type] of Object.entries(schema.shape as Record<string, z.ZodType>)) {
    const value = given[property];
    if (value === undefined || value === null) continue;
    decoded[property] = typeof value === "string" && !type.safeParse(value).success ? fromJson(value) : value;
  }
  const result = schema.safeParse(decoded);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"));
}

/** What the engine adds to every provider's configuration. */
function isEnginesOwn(name: string): boolean {
  return name === "version" || name === "pluginDownloadURL" || name.startsWith("__");
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What to point out about inputs that are allowed all the same. */
export function adviceOn(schema: z.ZodObject, inputs: Properties): Note[] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([property, type]) => {
    const value = inputs[property];
    if (value === undefined || containsUnknown(value)) return [];
    const advice = metaOf(type).advise?.(value);
    return advice === undefined ? [] : [{ severity: "warning", message: `${property}: ${advice}` }];
  });
}

function failure(property: string, issue: z.core.$ZodIssue, type: z.ZodType, value: unknown): Failure {
  const path = [property, ...issue.path].map(String);
  const got = valueAt(value, issue.path);
  // A wrong value helps to find the mistake, but an object or an absent value says nothing more than the path does.
  const says = !isRecord(got) && !Array.isArray(got) && got !== undefined && !isSecretAt(type, issue.path);
  const shown = says ? ` (got ${JSON.stringify(got)})` : "";
  return { property: path.join("."), reason: `${issue.message}${shown}` };
}

/** Whether the value at a path, or any that it is part of, is secret. */
function isSecretAt(type: z.ZodType, path: readonly PropertyKey[]): boolean {
  if (metaOf(type).secret) return true;
  const [key, ...rest] = path;
  if (key === undefined) return false;
  const part = partOf(type, key);
  return part !== undefined && isSecretAt(part, rest);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
