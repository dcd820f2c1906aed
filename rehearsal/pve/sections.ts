import { createHash } from "node:crypto";

/** SHA-1 of a configuration, the product's optimistic lock: it changes whenever the configuration does. */
export function sectionDigest(value: unknown): string {
  return createHash("sha1").update(JSON.stringify(value)).digest("hex");
}
