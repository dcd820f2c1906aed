import { isDeepStrictEqual } from "node:util";
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
 * itself is never a change.
 */
export function diffInputs(
  resource: Pick<AnyResource<never>, "replaceOn" | "replaceWhen" | "sameValue">,
  recorded: Properties,
  wanted: Properties,
): PropertyChange[] {
  const properties = new Set([...Object.keys(recorded), ...Object.keys(wanted)]);
  const changes: PropertyChange[] = [];
  for (const property of [...properties].sort()) {
    if (property.startsWith("__")) continue;
    const before = recorded[property] ?? undefined;
    const after = wanted[property] ?? undefined;
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
