import {
  type ApiDescription,
  type Described,
  type DescribedMethod,
  describedSchema,
  type Product,
  propertyOf,
} from "./api-description.ts";
import { hasFormat, parseProperties, patternOf } from "./api-formats.ts";

/**
 * How values are written: by a client, as text or JSON; by the cluster, whose Perl tells numbers from texts by how they
 * were used last and knows no booleans; or by the backup server, in JSON's own types.
 */
export type Writer = "client" | Product;

/** A call and its answer. */
export interface Exchange {
  readonly method: string;
  /** As in the API's description, e.g. `/nodes/{node}/qemu`; as it was called where there is no such path. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly status: number;
  /** What stands under `data`, where the call was not refused. */
  readonly data?: unknown;
}

/** What of a call and its answer is not as the description says. */
export function exchangeProblems(product: Product, api: ApiDescription, exchange: Exchange): string[] {
  const { method, path, parameters, status, data } = exchange;
  const described = api[path]?.[method];
  if (described === undefined) return [`${method} ${path} is not described`];
  const ofAnswer =
    status === 200 ? valueProblems("data", described.returns ?? {}, data ?? null, product) : [];
  return [...parameterProblems(described, parameters), ...ofAnswer].map(
    (problem) => `${method} ${path}: ${problem}`,
  );
}

/** What of a call's parameters the product would refuse. */
export function parameterProblems(
  { parameters }: DescribedMethod,
  given: Readonly<Record<string, unknown>>,
): string[] {
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  const mayBeMore = Boolean(parameters.additionalProperties);
  const unknown = names.filter((name) => !mayBeMore && propertyOf(parameters, name) === undefined);
  const missing = Object.entries(parameters.properties ?? {})
    .filter(([name, each]) => !each.optional && given[name] === undefined)
    .map(([name]) => `${name} is missing`);
  const wrong = names.flatMap((name) =>
    valueProblems(name, propertyOf(parameters, name) ?? {}, given[name], "client"),
  );
  const alone = names.flatMap((name) => {
    const needed = propertyOf(parameters, name)?.requires;
    return needed === undefined || given[needed] !== undefined ? [] : [`${name} without ${needed}`];
  });
  return [...unknown.map((name) => `${name} is unknown`), ...missing, ...wrong, ...alone];
}

/**
 * Where a value is not what the description says.
 *
 * @param what its name, for the messages
 */
export function valueProblems(what: string, described: Described, value: unknown, by: Writer): string[] {
  const { type = "any", enum: words, items } = described;
  const shown = JSON.stringify(value)?.slice(0, 60);
  const wrong = [`${what} is ${shown} instead of ${words?.join("|") ?? type}`];
  if (words !== undefined && !words.map(String).includes(String(value))) return wrong;
  switch (type) {
    case "boolean":
      return isBoolean(value, by) ? [] : wrong;
    case "integer":
    case "number":
      if (typeof value !== "number" && (by === "pbs" || !/^-?\d+(?:\.\d+)?$/.test(String(value))))
        return wrong;
      if (type === "integer" && !Number.isInteger(Number(value))) return wrong;
      return isWithin(described, Number(value)) ? [] : [`${what} is out of range: ${String(value)}`];
    case "string":
      if (typeof value !== "string" && (by === "pbs" || typeof value !== "number")) {
        // A form may repeat a field whose text is a list.
        const isList = by === "client" && String(described.format).endsWith("-list") && Array.isArray(value);
        return isList ? textProblems(what, described, value.join(",")) : wrong;
      }
      return textProblems(what, described, String(value));
    case "null":
      return value === null ? [] : wrong;
    case "array": {
      if (!Array.isArray(value) && by !== "client") return wrong;
      const list: unknown[] = Array.isArray(value) ? value : [value];
      return list.flatMap((each, index) => valueProblems(`${what}[${index}]`, items ?? {}, each, by));
    }
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value)
        ? objectProblems(what, described, value, by)
        : wrong;
    default:
      return [];
  }
}

function isBoolean(value: unknown, by: Writer): boolean {
  if (value === true || value === false) return true;
  if (by === "client") return /^(?:1|on|yes|true|0|off|no|false)$/i.test(String(value));
  return by === "pve" && (value === 0 || value === 1);
}

function isWithin({ minimum, maximum }: Described, value: number): boolean {
  return (
    (minimum === undefined || value >= Number(minimum)) && (maximum === undefined || value <= Number(maximum))
  );
}

function textProblems(what: string, described: Described, text: string): string[] {
  const { minLength, maxLength, pattern, format } = described;
  if (isHidden(text)) return [];
  const shown = JSON.stringify(text).slice(0, 60);
  const problems: string[] = [];
  if (minLength !== undefined && text.length < Number(minLength)) problems.push(`${what} is too short`);
  if (maxLength !== undefined && text.length > Number(maxLength)) problems.push(`${what} is too long`);
  if (pattern !== undefined && patternOf(pattern)?.test(text) === false) {
    problems.push(`${what} is ${shown}, which does not match ${pattern.slice(0, 80)}`);
  }
  if (typeof format === "string") {
    return hasFormat(format, text) ? problems : [...problems, `${what} is ${shown} instead of a ${format}`];
  }
  if (format === undefined) return problems;
  const parsed = parseProperties(format, text);
  return [
    ...problems,
    ...parsed.problems.map((problem) => `${what}: ${problem}`),
    ...objectProblems(what, parsed.described, parsed.values, "client"),
  ];
}

/** Whether a text stands for a secret that was left out of a record. */
function isHidden(text: string): boolean {
  return /^\*+$/.test(text);
}

function objectProblems(what: string, described: Described, value: object, by: Writer): string[] {
  const { properties = {}, additionalProperties: more } = described;
  const missing = Object.entries(properties)
    .filter(([name, each]) => !each.optional && !name.includes("[n]") && !isAlias(each))
    .filter(([name]) => !Object.hasOwn(value, name))
    .map(([name]) => `${what}.${name} is missing`);
  const present = Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
    const known = propertyOf(described, name);
    if (each === undefined) return [];
    if (known !== undefined) return valueProblems(`${what}.${name}`, known, each, by);
    if (more === false || more === 0) return [`${what}.${name} is unknown`];
    const ofRest = describedSchema.safeParse(more);
    return ofRest.success ? valueProblems(`${what}.${name}`, ofRest.data, each, by) : [];
  });
  return [...missing, ...present];
}

/** Whether a property is only another name of one. */
function isAlias(described: Described): boolean {
  return "alias" in described;
}
