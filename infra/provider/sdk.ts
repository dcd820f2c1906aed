import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";

/** A resource's arguments in a program: its inputs, each of which may be, or hold, an output of another resource. */
export type ResourceArgs<Schema extends z.ZodObject> = {
  [Property in keyof z.input<Schema>]: DeepInput<z.input<Schema>[Property]>;
};

type DeepInput<Value> =
  | pulumi.Input<Value>
  // In brackets, so that a boolean stays one instead of becoming either of two.
  | ([NonNullable<Value>] extends [readonly (infer Item)[]]
      ? readonly DeepInput<Item>[]
      : [NonNullable<Value>] extends [object]
        ? { [Property in keyof NonNullable<Value>]: DeepInput<NonNullable<Value>[Property]> }
        : never);

/**
 * The property bag that registers a resource. Every property must be in it, set or not, since the SDK makes outputs
 * only of those that are.
 * @param outputs names of the outputs that are no inputs
 */
export function propertyBag(
  schema: z.ZodObject,
  args: object,
  outputs: readonly string[] = [],
): Record<string, unknown> {
  const names = [...Object.keys(schema.shape), ...outputs];
  const given = new Map(Object.entries(args));
  return Object.fromEntries(names.map((name) => [name, given.get(name)]));
}
