import { isDeepStrictEqual } from "node:util";
import type { AnyResource } from "./resource.ts";
import type { Properties } from "./values.ts";

export interface PropertyChange {
  readonly property: string;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
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
