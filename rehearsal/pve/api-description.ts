import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const file = fileURLToPath(new URL("../../../shared/proxmox-api/pve.json", import.meta.url));

/** What the product's description says of one value. */
export interface Described {
  readonly type?: string | undefined;
  readonly optional?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly minimum?: string | number | undefined;
  readonly maximum?: string | number | undefined;
  readonly maxLength?: string | number | undefined;
  readonly properties?: Readonly<Record<string, Described>> | undefined;
  readonly items?: Described | undefined;
  readonly requires?: string | undefined;
}

const limit = z.union([z.string(), z.number()]).optional();
const described: z.ZodType<Described> = z.looseObject({
  type: z.string().optional(),
  optional: z.unknown().optional(),
  enum: z
    .array(z.unknown())
    .nullish()
    .transform((words) => words ?? undefined),
  minimum: limit,
  maximum: limit,
  maxLength: limit,
  requires: z.string().optional(),
  get properties() {
    return z.record(z.string(), described).optional();
  },
  get items() {
    return described.optional();
  },
});

/** One method of one path. */
export interface DescribedMethod {
  readonly parameters: Described;
  readonly returns?: Described | undefined;
}

const method = z.looseObject({ parameters: described, returns: described.optional() });
const description = z.record(z.string(), z.record(z.string(), method));

export type ApiDescription = Readonly<Record<string, Readonly<Record<string, DescribedMethod>>>>;

/** The product's description of its API; undefined where it is not beside the checkout, which is said once. */
export function readApiDescription(): ApiDescription | undefined {
  if (existsSync(file)) return description.parse(JSON.parse(readFileSync(file, "utf8")));
  console.warn(`calls are not held against the product's API description: ${file} is missing`);
  return undefined;
}

/** The description of a parameter, those with a number at the end included (`net0` is `net[n]`). */
export function parameterOf({ parameters }: DescribedMethod, name: string): Described | undefined {
  return parameters.properties?.[name] ?? parameters.properties?.[name.replace(/\d+$/, "[n]")];
}

/** What of a call's parameters the product would refuse. */
export function parameterProblems(described: DescribedMethod, given: Record<string, unknown>): string[] {
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  const unknown = names.filter((name) => parameterOf(described, name) === undefined);
  const missing = Object.entries(described.parameters.properties ?? {})
    .filter(([name, each]) => !each.optional && given[name] === undefined)
    .map(([name]) => `${name} is missing`);
  const wrong = names.flatMap((name) => valueProblems(name, parameterOf(described, name) ?? {}, given[name]));
  const alone = names.flatMap((name) => {
    const needed = parameterOf(described, name)?.requires;
    return needed === undefined || given[needed] !== undefined ? [] : [`${name} without ${needed}`];
  });
  return [...unknown.map((name) => `${name} is unknown`), ...missing, ...wrong, ...alone];
}

/**
 * Where a value is not what the description says.
 *
 * @param what its name, for the messages
 */
export function valueProblems(what: string, described: Described, value: unknown): string[] {
  const { type = "any", enum: words, minimum, maximum, maxLength, properties, items } = described;
  const wrong = [`${what} is ${JSON.stringify(value)?.slice(0, 60)} instead of ${words?.join("|") ?? type}`];
  if (words !== undefined && !words.map(String).includes(String(value))) return wrong;
  switch (type) {
    case "boolean":
      return value === true || value === false || value === 0 || value === 1 ? [] : wrong;
    case "integer":
    case "number": {
      // Perl tells numbers from strings by how they were used last, so both occur.
      if (typeof value !== "number" && !/^-?\d+$/.test(String(value))) return wrong;
      if (type === "integer" && !Number.isInteger(Number(value))) return wrong;
      const low = minimum !== undefined && Number(value) < Number(minimum);
      return low || (maximum !== undefined && Number(value) > Number(maximum))
        ? [`${what} is out of range: ${value}`]
        : [];
    }
    case "string":
      if (typeof value !== "string" && typeof value !== "number") return wrong;
      return maxLength !== undefined && String(value).length > Number(maxLength)
        ? [`${what} is too long`]
        : [];
    case "null":
      return value === null ? [] : wrong;
    case "array":
      if (!Array.isArray(value)) return wrong;
      return value.flatMap((each, index) => valueProblems(`${what}[${index}]`, items ?? {}, each));
    case "object":
      return typeof value === "object" && value !== null
        ? objectProblems(what, properties ?? {}, value)
        : wrong;
    default:
      return [];
  }
}

function objectProblems(
  what: string,
  properties: Readonly<Record<string, Described>>,
  value: object,
): string[] {
  const entries = new Map(Object.entries(value));
  return Object.entries(properties).flatMap(([name, each]) => {
    const found = entries.get(name);
    if (found === undefined) {
      return each.optional || name.includes("[n]") ? [] : [`${what}.${name} is missing`];
    }
    return valueProblems(`${what}.${name}`, each, found);
  });
}
