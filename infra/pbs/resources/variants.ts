import type { z } from "zod";
import type { Failure } from "../../provider/resource.ts";

/** What objects of one type have that those of another have not. */
export interface Variant<Property extends string> {
  readonly needs: readonly Property[];
  readonly takes: readonly Property[];
}

/** Names every property that the type of an object lacks or does not have. */
export function variantFailures<Property extends string>(
  variants: Readonly<Record<string, Variant<Property>>>,
  inputs: Readonly<Record<string, unknown>> & { readonly type: string },
): Failure[] {
  const variant = variants[inputs.type] ?? { needs: [], takes: [] };
  const all = new Set(Object.values(variants).flatMap(({ needs, takes }) => [...needs, ...takes]));
  const known: readonly string[] = [...variant.needs, ...variant.takes];
  const missing = variant.needs.filter((property) => inputs[property] === undefined);
  const foreign = [...all].filter((property) => !known.includes(property) && inputs[property] !== undefined);
  return [
    ...missing.map((property) => ({ property, reason: `${inputs.type} needs ${property}` })),
    ...foreign.map((property) => ({
      property,
      reason: `${inputs.type} has no ${property}; it has ${known.join(", ")}`,
    })),
  ];
}

/**
 * Splits an id of the form `type/name`.
 * @throws Error naming what such an id looks like
 */
export function typeAndName<Type extends string>(
  types: z.ZodType<Type>,
  id: string,
  kind: string,
): { type: Type; name: string } {
  const slash = id.indexOf("/");
  const type = types.safeParse(id.slice(0, slash));
  const name = id.slice(slash + 1);
  if (slash > 0 && type.success && name !== "") return { type: type.data, name };
  throw new Error(
    `"${id}" is no id of a ${kind}; it is the type and the name, for example ${example(types)}/lab`,
  );
}

function example(types: z.ZodType): string {
  return "options" in types && Array.isArray(types.options) ? String(types.options[0]) : "type";
}

/** An object keeps its name when its type changes, so that only one of the two can be there. */
export function sameNameOtherType(changed: readonly string[]): boolean {
  return changed.includes("type") && !changed.includes("name");
}
