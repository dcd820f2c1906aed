import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../exit-codes.ts";
import { writeFileAtomic } from "../system/files.ts";

/** Content of one table (or of all large objects) at the moment of the dump's snapshot. */
const contentShape = {
  rows: z.int().min(0),
  /** Sum of a 64-bit hash of each row: does not depend on the order of rows, notices duplicates. */
  checksum: z.string().regex(/^-?\d+$/),
};

/** Tables and large objects of a database, see {@link contentShape}. */
const fingerprintSchema = z.object({
  tables: z.array(z.object({ schema: z.string(), name: z.string(), ...contentShape })),
  /** All large objects of the database, each counted as a row. */
  largeObjects: z.object(contentShape),
});

/** What a database held at the moment of the dump. */
export type Fingerprint = z.infer<typeof fingerprintSchema>;

const fileShape = {
  /** File beside the manifest. */
  file: z.string().regex(/^[^/]+$/),
  sizeBytes: z.int().min(0),
  /** SHA-256 of the file, taken of the bytes on their way to the disk. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  durationSeconds: z.number().min(0),
};

/** One database of a run. */
const databaseEntrySchema = z.object({
  name: z.string(),
  ...fileShape,
  /** `custom`: pg_dump's own compression; `custom+zstd`: uncompressed, then through zstd. */
  format: z.enum(["custom", "custom+zstd"]),
  /** Size of the database on the server, in bytes; `null` where the role may not see it. */
  databaseBytes: z.int().min(0).nullable(),
  /** What a scratch database must be created with. */
  locale: z.object({
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    /** `c` libc, `i` ICU, `b` built in; `c` before PostgreSQL 15. */
    provider: z.string(),
    providerLocale: z.string().nullable(),
    icuRules: z.string().nullable(),
  }),
  content: fingerprintSchema,
});

/** See {@link databaseEntrySchema}. */
export type DatabaseEntry = z.infer<typeof databaseEntrySchema>;

/** How far a validation goes; each level includes those before it. Only `restore` proves a dump. */
export const levels = ["checksum", "decode", "restore"] as const;

/** See {@link levels}. */
export type Level = (typeof levels)[number];

const validationSchema = z.object({
  level: z.enum(levels),
  outcome: z.enum(["passed", "failed"]),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  databases: z.array(
    z.object({
      name: z.string(),
      outcome: z.enum(["passed", "failed"]),
      durationSeconds: z.number().min(0),
      /** Why it failed; `null` where it passed. */
      reason: z.string().nullable(),
      /** Objects without rows that the scratch server would not take from this role, such as event triggers. */
      notRestored: z.array(z.string()),
    }),
  ),
  /** Why the globals file failed; `null` where it is intact. */
  globalsReason: z.string().nullable(),
});

/** Result of a validation, kept in the manifest. */
export type Validation = z.infer<typeof validationSchema>;

/** `manifest.json` beside the files of a run. */
const manifestSchema = z.object({
  formatVersion: z.literal(1),
  /** Name of the cluster in the configuration. */
  cluster: z.string(),
  /** PostgreSQL's identifier of the cluster; `null` where the role may not read it. */
  systemIdentifier: z.string().nullable(),
  serverVersion: z.string(),
  clientVersion: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  databases: z.array(databaseEntrySchema),
  /** Roles, tablespaces and their settings as SQL, without password hashes. */
  globals: z.object(fileShape),
  /** Databases that were left out, and why. */
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
  /** Databases that could not be dumped, and why. A run with any is never complete. */
  failed: z.array(z.object({ name: z.string(), reason: z.string() })),
  validation: validationSchema.nullable(),
  /** Where the run was copied to; `null` until it was. */
  offsite: z.object({ url: z.string(), finishedAt: z.iso.datetime() }).nullable(),
});

/** See {@link manifestSchema}. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Name of the manifest in a run's folder. */
export const manifestFile = "manifest.json";

/** Reads the manifest of a run's folder. Fails with the file's name where it is missing or wrong. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestFile);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    const cause =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")
        : messageOf(error);
    throw new Error(`cannot read ${path}: ${cause}`);
  }
}

/** Writes the manifest of a run's folder, atomically. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const text = `${JSON.stringify(manifestSchema.parse(manifest), null, 1)}\n`;
  await writeFileAtomic(join(folder, manifestFile), text);
}

/** Whether this run is proven: complete, and every database restored and compared. */
export function isValidated(manifest: Manifest): boolean {
  const { validation } = manifest;
  return manifest.failed.length === 0 && validation?.level === "restore" && validation.outcome === "passed";
}

/**
 * The validation to keep: a failure always replaces what was known; a pass replaces a failure only at the level
 * that failed or above, and never a pass of a higher level.
 */
export function mergeValidation(previous: Validation | null, next: Validation): Validation {
  if (previous === null || next.outcome === "failed") return next;
  return levels.indexOf(next.level) >= levels.indexOf(previous.level) ? next : previous;
}
