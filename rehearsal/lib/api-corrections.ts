import type { Described, Product } from "./api-description.ts";

/** Where a product's description of its API is not what the product does. */
export interface Correction {
  readonly product: Product;
  readonly method: string;
  readonly path: string;
  /** What is described wrongly, from the method on, e.g. `["returns"]`. */
  readonly at: readonly string[];
  readonly is: Described;
  /** Why the product and not its description is followed. */
  readonly reason: string;
}

const upid: Described = { type: "string", minLength: 36, pattern: "/^UPID:(?:[^:]*:){8}$/" };

/** The task that a call of the backup server starts, where its description says that it answers nothing. */
const startsTask = (method: string, path: string): Correction => ({
  product: "pbs",
  method,
  path,
  at: ["returns"],
  is: upid,
  reason: "the handler gives the UPID of its task but declares no return type, which is described as null",
});

/** Every place in which a description is not followed. */
export const corrections: readonly Correction[] = [
  startsTask("POST", "/config/datastore"),
  startsTask("POST", "/admin/sync/{id}/run"),
  startsTask("POST", "/admin/verify/{id}/run"),
  startsTask("POST", "/admin/prune/{id}/run"),
  startsTask("POST", "/pull"),
  startsTask("POST", "/push"),
  {
    product: "pbs",
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/log",
    at: ["returns"],
    is: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        properties: { n: { type: "integer", minimum: 1 }, t: { type: "string" } },
      },
    },
    reason: "the handler gives the log's lines but declares no return type, which is described as null",
  },
  {
    product: "pbs",
    method: "GET",
    path: "/admin/datastore/{store}/notes",
    at: ["returns"],
    is: { type: "string" },
    reason: "the handler gives the notes but declares no return type, which is described as null",
  },
  {
    product: "pbs",
    method: "GET",
    path: "/admin/datastore/{store}/snapshots",
    at: ["returns", "items", "properties", "files", "items"],
    is: {
      type: "object",
      additionalProperties: false,
      properties: {
        filename: { type: "string" },
        "crypt-mode": { type: "string", enum: ["none", "encrypt", "sign-only"], optional: 1 },
        size: { type: "integer", minimum: 0, optional: 1 },
      },
    },
    reason: "the list's items are declared by the names of files, but hold what is known of each file",
  },
  {
    product: "pbs",
    method: "POST",
    path: "/admin/datastore/{store}/prune",
    at: ["returns", "items", "properties", "protected"],
    is: { type: "boolean" },
    reason: "the handler adds the field to items whose declared type has it not",
  },
];

/**
 * Puts what is right into a description, as it was parsed from its file. Fails where there is no such method, and where
 * the description has come to say the same: the correction is then to be removed.
 */
export function correct(product: Product, description: unknown): void {
  for (const { method, path, at, is, ...rest } of corrections) {
    if (rest.product !== product) continue;
    const what = `the correction of ${method} ${path}, ${at.join(".")}`;
    const last = at.at(-1) ?? "";
    const holder = [path, method, ...at.slice(0, -1)].reduce<unknown>(
      (found, key) => valueAt(found, key),
      description,
    );
    if (!isRecord(holder)) throw new Error(`${what} has no place in the description of ${product}`);
    if (isRecord(holder[last]) && holder[last].type === is.type) {
      throw new Error(`${what} is in the description of ${product} by now: remove it`);
    }
    holder[last] = is;
  }
}

function valueAt(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
