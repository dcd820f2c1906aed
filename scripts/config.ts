import { readFile } from "node:fs/promises";
import * as z from "zod";
import { archiveSchema } from "./archive/config.ts";
import { dumpSchema } from "./dump/config.ts";
import { encryptionSchema } from "./encryption/config.ts";
import { Failure, messageOf } from "./exit-codes.ts";
import { healthSchema } from "./health/config.ts";
import { maintainSchema } from "./maintain/config.ts";
import { observeSchema } from "./observe/config.ts";
import { connectionShape } from "./postgres/connection.ts";
import { channelsSchema, reportSchema } from "./report/config.ts";
import { restoreSchema } from "./restore/config.ts";
import { retentionSchema } from "./runs/prune-config.ts";
import { checksSchema } from "./validate/config.ts";
import { walSchema } from "./wal/config.ts";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** The configuration file of dbkeeper. Unknown keys are refused, so that a typo cannot switch something off. */
export const configSchema = z.strictObject({
  /** The cluster that is backed up. */
  cluster: z.strictObject({
    /** Name in folders, metrics and manifests: lower-case letters, digits, `.`, `_`, `-`; at most 63. */
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "use lower-case letters, digits, '.', '_' and '-'"),
    ...connectionShape,
    /** Folder of pg_dump, pg_dumpall and pg_restore. Default: Debian's folder of the server's major, then PATH. */
    binDirectory: absolutePath.optional(),
  }),
  /**
   * `all` (default) is every database that allows connections and is no template; the others are recorded in
   * the manifest as skipped. A list names them, exactly or by shell globs (`proj_*`; a backslash takes the next
   * character as it is); `!glob` leaves out, and a list of nothing else leaves out of `all`. A name that is not there,
   * or a glob that matches nothing, counts as failed.
   */
  databases: z.union([z.literal("all"), z.array(z.string().min(1)).min(1)]).default("all"),
  /**
   * Where the runs go, as `<directory>/full/<cluster>/<UTC time>/`. Must exist: it is never created, so that a
   * disk that is not mounted is found before it costs space elsewhere. Default `/mnt/backup/postgresql`.
   */
  directory: absolutePath.default("/mnt/backup/postgresql"),
  /** How dumps are compressed. */
  compression: z
    .strictObject({
      /** zstd level, 1 to 19. Default 1: on 500 MB of numbers and text, 3 took 46 % more processor time and wrote 5 % more. */
      zstdLevel: z.int().min(1).max(19).default(1),
    })
    .prefault({}),
  /** How dumps are written. */
  dump: dumpSchema.prefault({}),
  /** Encryption of the runs with age. Default: none. */
  encryption: encryptionSchema.optional(),
  /** Databases that are dumped or restored at the same time, 1 to 32. Default 2. */
  jobs: z.int().min(1).max(32).default(2),
  /** Which runs stay. Default: those of 30 days, and 3 restore-validated ones whatever their age. */
  retention: retentionSchema,
  /** How long to wait for a table that another session has locked, in seconds; then that database fails. Default 300. */
  lockWaitTimeoutSeconds: z.int().min(1).default(300),
  /** File for node_exporter's textfile collector. Default `/var/lib/node_exporter/textfile/dbkeeper.prom`. */
  metricsFile: absolutePath.default("/var/lib/node_exporter/textfile/dbkeeper.prom"),
  /** Bytes that must stay free in `directory` after a dump. Default 5 GiB. */
  minimumFreeBytes: z
    .int()
    .min(0)
    .default(5 * 1024 ** 3),
  /**
   * Server for scratch restores. Default: the cluster itself, where the role needs CREATEDB. Name another one to
   * keep the load off the source, or a role with more rights for databases whose extensions are not trusted.
   */
  restoreInto: z.strictObject(connectionShape).optional(),
  /** Where `dbkeeper restore` restores to, and as whom. */
  restore: restoreSchema,
  /** What `dbkeeper maintain` works on, and for how long. */
  maintain: maintainSchema.prefault({}),
  /** What `dbkeeper observe` looks at, and where it keeps what it has seen. */
  observe: observeSchema.prefault({}),
  /** What `dbkeeper health` holds the cluster and its host against, and where it listens. */
  health: healthSchema,
  /** By what people are told of reports and failures. */
  channels: channelsSchema,
  /** Where reports are kept, and which are sent. */
  report: reportSchema,
  /** The site's own checks, run on each restored copy when a run is validated. Default: none. */
  checks: checksSchema.default([]),
  /** Physical backups and WAL archiving. Default: none. */
  wal: walSchema.optional(),
  /** Off-site copy in S3. Default: none. */
  archive: archiveSchema.optional(),
});

/** What a program writes into the configuration file: defaults may be left out. */
export type DbkeeperConfig = z.input<typeof configSchema>;

/** The configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;

export type { Connection } from "./postgres/connection.ts";

/** Where {@link loadConfig} looks when nothing is said. */
export const defaultConfigFile = "/etc/dbkeeper/config.json";

/** Reads and checks the configuration; fails as `usage` with all that is wrong at once. */
export async function loadConfig(path: string): Promise<Config> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new Failure(
      "usage",
      `cannot read the configuration ${path}: ${messageOf(error)}; name another with --config`,
    );
  }
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`,
  );
  throw new Failure("usage", `the configuration ${path} is wrong:\n${problems.join("\n")}`);
}
