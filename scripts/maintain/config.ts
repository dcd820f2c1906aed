import * as z from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");
const share = z.number().min(0).max(1);

/** When a table or an index is worth the work, and how long the work may disturb others. */
export const maintainSchema = z.strictObject({
  /**
   * Role to connect as, for one that may change tables but not read them all. Default: that of `cluster`. With peer
   * authentication, maintenance then runs as another system user than dumps: see `directory` and `metricsFile`.
   */
  role: z.string().min(1).optional(),
  /** Folder of its lock and its results, where its user cannot write into that of the dumps. Default: that one. */
  directory: absolutePath.optional(),
  /** File for node_exporter's textfile collector with all that maintenance tells. Default: that of the dumps. */
  metricsFile: absolutePath.optional(),
  /**
   * Minutes from the start in which new work may begin; what has begun then is ended. 1 to 1440. Default 120, so that
   * what starts at 04:00 has ended before the working day.
   */
  windowMinutes: z.int().min(1).max(1440).default(120),
  /** How long to wait for a lock that another session holds, in seconds; then that table is left out. Default 5. */
  lockTimeoutSeconds: z.int().min(1).max(600).default(5),
  /** Dead rows, as a share of all rows, from which a table is vacuumed. Default 0.1, half of autovacuum's 0.2. */
  deadRowShare: share.default(0.1),
  /** Dead rows below which none is, whatever their share. Default 1000. */
  deadRowMinimum: z.int().min(0).default(1000),
  /**
   * Age in transactions from which a table is vacuumed to freeze its rows. Default 150,000,000: PostgreSQL's
   * `vacuum_freeze_table_age`, 50,000,000 before autovacuum does it at a time of its own choosing.
   */
  freezeAgeTransactions: z.int().min(1_000_000).max(2_000_000_000).default(150_000_000),
  /** Rows changed since the last ANALYZE, as a share, from which there is another. Default 0.05, half of autovacuum's 0.1. */
  changedRowShare: share.default(0.05),
  /** Changed rows below which there is none. Default 1000. */
  changedRowMinimum: z.int().min(0).default(1000),
  /** Share of an index that is bloat from which it is built anew. Default 0.4: a fresh B-tree page is 10 % empty. */
  indexBloatShare: share.default(0.4),
  /** Bytes of bloat below which no index is built anew. Default 64 MiB. */
  indexBloatMinimumBytes: z
    .int()
    .min(0)
    .default(64 * 1024 ** 2),
});

/** See {@link maintainSchema}. */
export type MaintainConfig = z.output<typeof maintainSchema>;

/** Where maintenance keeps its lock and its results. */
export function maintenanceDirectory({
  directory,
  maintain,
}: {
  directory: string;
  maintain: MaintainConfig;
}): string {
  return maintain.directory ?? directory;
}
