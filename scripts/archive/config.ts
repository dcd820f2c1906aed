import * as z from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");
const mebibyte = 1024 ** 2;

/** The off-site copy in S3. */
export const archiveSchema = z.strictObject({
  bucket: z.string().min(3).max(63),
  /**
   * Key prefix without a leading or trailing slash: the one that the writer's rights are limited to, followed by
   * anything. Default `postgresql`.
   */
  prefix: z
    .string()
    .regex(/^[^/].*[^/]$/, "has no leading or trailing slash")
    .default("postgresql"),
  region: z.string().min(1),
  /** Endpoint URL of a service other than AWS. Default: AWS. */
  endpoint: z.url().optional(),
  /** PEM file of the authority that vouches for `endpoint`. Default: the authorities that Node trusts. */
  caFile: absolutePath.optional(),
  /**
   * Who writes: a JSON file `{"accessKeyId", "secretAccessKey"}` that only the system user can read (0600 or 0400).
   * `s3:PutObject` and `s3:AbortMultipartUpload` suffice.
   */
  credentialsFile: absolutePath,
  /**
   * Who lists, restores and reads, in the same form. Default: nobody; then copies are verified only by what S3 answers
   * to the upload, and `archive list`, `archive verify` and `archive restore` need `--reader`.
   */
  readerCredentialsFile: absolutePath.optional(),
  /**
   * Class that objects are written to; those under 128 KiB, and manifests, always to STANDARD. Default STANDARD: the
   * bucket's lifecycle moves them.
   */
  storageClass: z
    .enum(["STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"])
    .default("STANDARD"),
  /**
   * Lock that each object asks for by itself; the writer then also needs `s3:PutObjectRetention`. Default: the one that
   * the bucket gives.
   */
  lock: z
    .strictObject({
      mode: z.enum(["GOVERNANCE", "COMPLIANCE"]),
      /** Days from the upload until the lock ends. */
      days: z.int().min(1),
    })
    .optional(),
  /** Bytes of a part, 5 MiB to 1 GiB; memory is about this times `connections` plus one. Default 16 MiB. */
  partBytes: z
    .int()
    .min(5 * mebibyte)
    .max(1024 * mebibyte)
    .default(16 * mebibyte),
  /** Parts that are sent at the same time, 1 to 32. Default 4. */
  connections: z.int().min(1).max(32).default(4),
  /** Days in which `archive verify`, run daily, reads each object once in full, 1 to 366. Default 30. */
  rereadDays: z.int().min(1).max(366).default(30),
});

/** See {@link archiveSchema}. */
export type ArchiveConfig = z.output<typeof archiveSchema>;
