import { dirname, join } from "node:path";
import * as z from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** What `dbkeeper observe` looks at, as whom, and where it keeps what it has seen. */
export const observeSchema = z.strictObject({
  /**
   * Role to connect as: a member of `pg_monitor`, which needs nothing more than to execute `pg_hba_file_rules()` and
   * `pg_show_all_file_settings()`. Default: that of `cluster`.
   */
  role: z.string().min(1).optional(),
  /** Folder of its lock and of what it has seen before. Default: that of the dumps. */
  directory: absolutePath.optional(),
  /** File for node_exporter's textfile collector. Default: `dbkeeper-observe.prom` beside `metricsFile`. */
  metricsFile: absolutePath.optional(),
  /** The server's log, written to by the server itself or by pg_ctl. Default: none, and no events of it. */
  logFile: absolutePath.optional(),
  /**
   * Files whose settings are as wanted; a setting of any other file counts as foreign. Default: every file but
   * `postgresql.auto.conf`, which ALTER SYSTEM writes.
   */
  settingsFiles: z.array(absolutePath).optional(),
  /** How long each query may take, in seconds, 0.1 to 60. Default 5. */
  timeoutSeconds: z.number().min(0.1).max(60).default(5),
  /** Dead or changed rows below which a table is not neglected, whatever their share. Default 10,000. */
  rowMinimum: z.int().min(1).default(10_000),
  /** Share of dead or changed rows from which a table is. Default 0.2, where autovacuum begins. */
  rowShare: z.number().min(0).max(1).default(0.2),
  /** Hours in which autovacuum, or a timer, should have come by. Default 25: the daily maintenance and a margin. */
  neglectedHours: z.number().min(0).default(25),
});

/** See {@link observeSchema}. */
export type ObserveConfig = z.output<typeof observeSchema>;

interface Places {
  directory: string;
  metricsFile: string;
  observe: ObserveConfig;
}

/** Where it keeps its lock and what it has seen. */
export function observeDirectory({ directory, observe }: Places): string {
  return observe.directory ?? directory;
}

/** Where it writes its metrics. */
export function observeMetricsFile({ metricsFile, observe }: Places): string {
  return observe.metricsFile ?? join(dirname(metricsFile), "dbkeeper-observe.prom");
}

/** The roles that dumps, maintenance and looks work as: nobody waits for their statements. */
export function ownRoles({
  cluster,
  maintain,
  observe,
}: {
  cluster: { role: string };
  maintain: { role?: string | undefined };
  observe: ObserveConfig;
}): string[] {
  return [cluster.role, maintain.role, observe.role].filter((role) => role !== undefined);
}
