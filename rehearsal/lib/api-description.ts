import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { correct } from "./api-corrections.ts";

/** A product whose API is simulated. */
export type Product = "pve" | "pbs";

/** What a product's description says of one value. */
export interface Described {
  readonly type?: string | undefined;
  readonly optional?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly minimum?: string | number | undefined;
  readonly maximum?: string | number | undefined;
  readonly minLength?: string | number | undefined;
  readonly maxLength?: string | number | undefined;
  /** A regular expression, between slashes in the backup server's description. */
  readonly pattern?: string | undefined;
  /** The name of a format, or what a text of properties (`a=1,b=2`) consists of. */
  readonly format?: string | Readonly<Record<string, unknown>> | undefined;
  readonly properties?: Readonly<Record<string, Described>> | undefined;
  /** False where nothing else may occur, a description where everything else is of one kind. */
  readonly additionalProperties?: unknown;
  readonly items?: Described | undefined;
  readonly requires?: string | undefined;
}

const limit = z.union([z.string(), z.number()]).optional();

/** One value, as it stands in a description. */
export const describedSchema: z.ZodType<Described> = z.looseObject({
  type: z.string().optional(),
  optional: z.unknown().optional(),
  enum: z
    .array(z.unknown())
    .nullish()
    .transform((words) => words ?? undefined),
  minimum: limit,
  maximum: limit,
  minLength: limit,
  maxLength: limit,
  pattern: z.string().optional(),
  format: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  additionalProperties: z.unknown().optional(),
  requires: z.string().optional(),
  get properties() {
    return z.record(z.string(), describedSchema).optional();
  },
  get items() {
    return describedSchema.optional();
  },
});

/** One method of one path. */
export interface DescribedMethod {
  readonly parameters: Described;
  readonly returns?: Described | undefined;
}

const method = z.looseObject({ parameters: describedSchema, returns: describedSchema.optional() });
const description = z.record(z.string(), z.record(z.string(), method));

/** The methods of each path, as `/nodes/{node}/qemu`. */
export type ApiDescription = Readonly<Record<string, Readonly<Record<string, DescribedMethod>>>>;

/** A product's description of its API, corrected; undefined where it is not beside the checkout, which is said once. */
export function readApiDescription(product: Product): ApiDescription | undefined {
  const file = fileURLToPath(new URL(`../../../shared/proxmox-api/${product}.json`, import.meta.url));
  if (existsSync(file)) {
    const raw: unknown = JSON.parse(readFileSync(file, "utf8"));
    correct(product, raw);
    return description.parse(raw);
  }
  console.warn(`calls are not held against the product's API description: ${file} is missing`);
  return undefined;
}

/** The description of one of an object's values, those with a number at the end included (`net0` is `net[n]`). */
export function propertyOf({ properties }: Described, name: string): Described | undefined {
  if (properties === undefined) return undefined;
  const numbered = name.replace(/\d+$/, "[n]");
  if (Object.hasOwn(properties, name)) return properties[name];
  return Object.hasOwn(properties, numbered) ? properties[numbered] : undefined;
}
