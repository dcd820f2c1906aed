import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { offsiteSchema } from "../archive/offsite.ts";
import { messageOf } from "../exit-codes.ts";
import { writeFileAtomic } from "../system/files.ts";
import { fromFormat1 } from "./manifest-format-1.ts";
import { seal, unseal } from "./seal.ts";

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

/** A file of a run. */
const fileSchema = z.object({
  /** Path below the run's folder. */
  file: z.string().regex(/^(?!\.\.?(\/|$))[^/]+(\/(?!\.\.?(\/|$))[^/]+)*$/, "lies outside the run's folder"),
  sizeBytes: z.int().min(0),
  /** SHA-256 of the file, taken of the bytes on their way to the disk. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** See {@link fileSchema}. */
export type RunFile = z.infer<typeof fileSchema>;

/** How a dump is written: see `databaseEntrySchema.format`. */
const formats = ["custom", "custom+zstd", "directory"] as const;

/** One database of a run. */
const databaseEntrySchema = z.object({
  name: z.string(),
  /**
   * `custom`: one file with pg_dump's own compression; `custom+zstd`: one uncompressed file, through zstd;
   * `directory`: a folder with a file for each table.
   */
  format: z.enum(formats),
  /** One, or all that lie in the folder of the format `directory`. */
  files: z.array(fileSchema).min(1),
  durationSeconds: z.number().min(0),
  /** Size of the database on the server, in bytes; `null` where the role may not see it. */
  databaseBytes: z.int().min(0).nullable(),
  /** What the sequence nearest to its end has used of its values, 0 to 1; `null` where that could not be told. */
  sequencesUsedRatio: z.number().min(0).nullable().default(null),
  /** What a scratch database must be created with. */
  locale: z.object({
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    /** `c` libc, `i` ICU, `b` built in; `c` before PostgreSQL 15. */
    provider: z.string(),
    providerLocale: z.string().nullable(),
    icuRules: z.string().nullable(),
    /** Version of the collation library when the database was made, and on that day; `null` where it has none. */
    collationVersion: z
      .object({ recorded: z.string().nullable(), actual: z.string().nullable() })
      .nullable()
      .default(null),
  }),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })).default([]),
  /** `null` where it was not counted: such a dump can be restored, but not compared with its source. */
  content: fingerprintSchema.nullable(),
  /** What the planner thought the tables held, where they were not counted; `rows` is `null` before the first ANALYZE. */
  rowEstimates: z
    .array(z.object({ schema: z.string(), name: z.string(), rows: z.int().min(0).nullable() }))
    .nullable()
    .default(null),
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
      /**
       * What the restored copy held where the dump was not counted, so that there was nothing to compare it with;
       * `null` where it was compared, or not restored.
       */
      uncompared: z
        .array(z.object({ schema: z.string(), name: z.string(), rows: z.int().min(0) }))
        .nullable()
        .default(null),
      /** Structure of the restored copy's indexes by amcheck; `null` where nothing was restored. */
      indexes: z
        .object({
          outcome: z.enum(["passed", "failed", "not-checked"]),
          checked: z.int().min(0),
          /** Why it failed or was not checked. */
          reason: z.string().nullable(),
        })
        .nullable()
        .default(null),
      /** The site's own checks on the restored copy, see `checks` in the configuration. */
      checks: z
        .array(
          z.object({
            name: z.string(),
            outcome: z.enum(["passed", "failed"]),
            durationSeconds: z.number().min(0),
            reason: z.string().nullable(),
          }),
        )
        .default([]),
    }),
  ),
  /** Why the globals, or the passwords beside them, failed; `null` where they are intact. */
  globalsReason: z.string().nullable(),
});

/** Result of a validation, kept in the manifest. */
export type Validation = z.infer<typeof validationSchema>;

/** `manifest.json` beside the files of a run. */
const manifestSchema = z.object({
  formatVersion: z.literal(2),
  /** Name of the cluster in the configuration. */
  cluster: z.string(),
  /** PostgreSQL's identifier of the cluster; `null` where the role may not read it. */
  systemIdentifier: z.string().nullable(),
  serverVersion: z.string(),
  clientVersion: z.string(),
  /** Whether the source was a standby. */
  standby: z.boolean().default(false),
  /** Position in the write-ahead log when the dump began; `null` where the role may not ask. */
  walPosition: z.string().nullable().default(null),
  /** How every file but the manifest is encrypted; `null`: not at all. */
  encryption: z
    .object({ method: z.literal("age"), recipients: z.array(z.string()).min(1) })
    .nullable()
    .default(null),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  databases: z.array(databaseEntrySchema),
  /** Roles, tablespaces and their settings as SQL, without password hashes. */
  globals: fileSchema,
  /** Password hashes of the roles as SQL, always encrypted; `null` where they were not asked for. */
  rolePasswords: fileSchema.nullable().default(null),
  /** Databases that were left out, and why. */
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
  /** Databases that could not be dumped, and why. A run with any is never complete. */
  failed: z.array(z.object({ name: z.string(), reason: z.string() })),
  validation: validationSchema.nullable(),
  /** Where the run was copied to; `null` until it was. */
  offsite: offsiteSchema.nullable(),
});

/** See {@link manifestSchema}. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Name of the manifest in a run's folder. */
export const manifestFile = "manifest.json";

/** Reads the manifest of a run's folder. Fails with the file's name where it is missing, damaged or wrong. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestFile);
  const content = await readFile(path).catch((error: unknown) => {
    throw new Error(`cannot read ${path}: ${messageOf(error)}`);
  });
  return manifestFrom(content, path);
}

/** The manifest in the content of a file. Fails with `name` where it is damaged or wrong. */
export function manifestFrom(content: Buffer, name: string): Manifest {
  try {
    const value: unknown = JSON.parse(content.toString("utf8"));
    return manifestSchema.parse(fromFormat1(value) ?? JSON.parse(unseal(content)));
  } catch (error) {
    const cause =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")
        : messageOf(error);
    throw new Error(`cannot read ${name}: ${cause}`);
  }
}

/** Writes the manifest of a run's folder, atomically, sealed against any later change of a byte. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(folder, manifestFile), manifestText(manifest));
}

/** What {@link manifestFrom} reads. */
export function manifestText(manifest: Manifest): string {
  return seal(JSON.stringify(manifestSchema.parse(manifest), null, 1));
}

/** Every file of a run but the manifest itself. */
export function filesOf({ databases, globals, rolePasswords }: Manifest): RunFile[] {
  return [
    ...databases.flatMap(({ files }) => files),
    globals,
    ...(rolePasswords === null ? [] : [rolePasswords]),
  ];
}

/** Path of a dump below the run's folder, as pg_restore takes it. */
export function pathOfDump({ format, files }: Pick<DatabaseEntry, "format" | "files">): string {
  const first = files[0]?.file ?? "";
  return format === "directory" ? (first.split("/")[0] ?? first) : first;
}

/** Bytes of all files of a database. */
export function sizeOfDump({ files }: Pick<DatabaseEntry, "files">): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Whether this run is proven: complete, and every database restored and compared. */
export function isValidated(manifest: Manifest): boolean {
  const { validation } = manifest;
  return (
    manifest.failed.length === 0 &&
    manifest.databases.every(({ content }) => content !== null) &&
    validation?.level === "restore" &&
    validation.outcome === "passed"
  );
}

/**
 * The validation to keep: a failure always replaces what was known; a pass replaces a failure only at the level
 * that failed or above, and never a pass of a higher level.
 */
export function mergeValidation(previous: Validation | null, next: Validation): Validation {
  if (previous === null || next.outcome === "failed") return next;
  return levels.indexOf(next.level) >= levels.indexOf(previous.level) ? next : previous;
}
