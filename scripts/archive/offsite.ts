import * as z from "zod";

/** A stretch of a file inside an object of the archive. */
const extentSchema = z.object({
  /** Path below the run's folder. */
  file: z.string(),
  /** Where in the file it begins. */
  offset: z.int().min(0),
  lengthBytes: z.int().min(0),
  /** Where in the object it begins. */
  at: z.int().min(0),
});

/** See {@link extentSchema}. */
export type Extent = z.infer<typeof extentSchema>;

/** An object of the archive, as its upload left it. */
export const archivedObjectSchema = z.object({
  key: z.string(),
  /** Version of the object; `null` where the bucket keeps none. What is put over the key later is another one. */
  versionId: z.string().nullable(),
  sizeBytes: z.int().min(0),
  /** As S3 tells it: base64 of the SHA-256, or of the SHA-256 of the parts' SHA-256 with `-<number of parts>`. */
  checksumSha256: z.string(),
  /** Size of each part but the last; `null` where it was sent in one piece. */
  partBytes: z.int().min(1).nullable(),
  /** What of which file it holds; the rest is headers and padding of a tar. */
  extents: z.array(extentSchema),
});

/** See {@link archivedObjectSchema}. */
export type ArchivedObject = z.infer<typeof archivedObjectSchema>;

/** Where a run was copied to, and what lies there. */
export const offsiteSchema = z.object({
  url: z.string(),
  finishedAt: z.iso.datetime(),
  /** Absent in manifests from before objects were listed: each file is an object of its own name. */
  objects: z.array(archivedObjectSchema).optional(),
  /** Until when every object is locked, as far as known; absent where one is not, or nobody may see it. */
  lockedUntil: z.iso.datetime().optional(),
  /** When it was fetched back from there; absent where the run is the original. */
  retrievedAt: z.iso.datetime().optional(),
});
