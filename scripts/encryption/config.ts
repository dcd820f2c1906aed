import * as z from "zod";

/** Encryption of everything in a run but its manifest, with age. */
export const encryptionSchema = z.strictObject({
  /**
   * Public keys (`age1…`) that can each open the runs; give the private ones to people and places outside this
   * host. At least 1, better 2: what no key opens is lost.
   */
  recipients: z
    .array(z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, "is no recipient of age: `age1` and 58 characters"))
    .min(1)
    .max(20),
  /**
   * File with a private key that opens the runs (`age-keygen -o`), readable by the system user only (0600 or 0400):
   * validating and restoring need it. Default: none; then this host can write runs and check their checksums, no more.
   */
  identityFile: z.string().startsWith("/", "must be an absolute path").optional(),
});
