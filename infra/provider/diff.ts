import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { AnyResource, Recorded } from "./resource.ts";
import type { Properties } from "./values.ts";

export interface PropertyChange {
  readonly property: string;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
  /** Whether the property is an output that will be made anew. */
  readonly ofOutput?: true;
}

/** Everything that an update would change: inputs, and outputs that it would make anew. */
export function diffResource(
  resource: AnyResource<never>,
  recorded: Recorded<Properties, Properties>,
  wanted: Properties,
): PropertyChange[] {
  const renewed = resource.renews?.(recorded, wanted) ?? [];
  return [
    ...diffInputs(resource, recorded.inputs, wanted),
    ...renewed.map(
      (property): PropertyChange => ({ property, kind: "update", replaces: false, ofOutput: true }),
    ),
  ];
}

/**
 * Compares the recorded inputs of a resource with the wanted ones. Only inputs count: what a product computes for
 * itself is never a change. Nor is what another version of the provider recorded differently: it knew fewer inputs, which
 * have their defaults since, or some that there are no more.
 */
export function diffInputs(
  resource: Pick<AnyResource<never>, "inputs" | "replaceOn" | "replaceWhen" | "sameValue">,
  recorded: Properties,
  wanted: Properties,
): PropertyChange[] {
  const properties = new Set([...Object.keys(recorded), ...Object.keys(wanted)]);
  const types: Record<string, z.ZodType> = resource.inputs.shape;
  const changes: PropertyChange[] = [];
  for (const property of [...properties].sort()) {
    if (property.startsWith("__")) continue;
    const before = ownOf(recorded, property) ?? undefined;
    const after = ownOf(wanted, property) ?? undefined;
    const type = ownOf(types, property);
    if (type ? before === undefined && isDefault(type, after) : after === undefined) continue;
    if (resource.sameValue?.(property, before, after) ?? isDeepStrictEqual(before, after)) continue;
    changes.push({
      property,
      kind: before === undefined ? "add" : after === undefined ? "delete" : "update",
      replaces:
        resource.replaceOn.includes(property) || resource.replaceWhen?.(property, before, after) === true,
    });
  }
  return changes;
}

function isDefault(type: z.ZodType, value: unknown): boolean {
  const filledIn = type.safeParse(undefined);
  return filledIn.success && isDeepStrictEqual(filledIn.data, value);
}

/** A value by its name, where the name may be one that every object inherits something of. */
function ownOf<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}
