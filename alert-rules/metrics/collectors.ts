/** A part of an exporter that must be asked for. */
export interface Collector {
  /** The option that switches it on. */
  readonly flag: string;
  /** How the names of its metrics begin. */
  readonly prefix: string;
  /** Whether the program delivers the exporter with it. */
  readonly enabled: boolean;
  /** The oldest PostgreSQL that has something to say; with older ones it logs a warning at each scrape. */
  readonly postgresVersion?: number;
  /** What it is good for, or why it is left off. */
  readonly why: string;
}

export type CollectingExporter = "postgres_exporter" | "node_exporter";

/**
 * What the exporters do not do unless told: their flags come from here, and so does what the catalogue of metrics may
 * hold. A rule that reads a metric of a collector that is off is refused, see {@link collectorOf}.
 */
export const collectors: Readonly<Record<CollectingExporter, readonly Collector[]>> = {
  postgres_exporter: [
    {
      flag: "--collector.database_wraparound",
      prefix: "pg_database_wraparound_",
      enabled: true,
      why: "age of the oldest transaction and multixact of each database",
    },
    {
      flag: "--collector.long_running_transactions",
      prefix: "pg_long_running_transactions",
      enabled: true,
      why: "number of open transactions and age of the oldest",
    },
    {
      flag: "--collector.postmaster",
      prefix: "pg_postmaster_",
      enabled: true,
      why: "when the server was started: a restart that nobody saw",
    },
    {
      flag: "--collector.process_idle",
      prefix: "pg_process_idle_",
      enabled: false,
      why: "a bucket series for each application name, which any client may choose",
    },
    {
      flag: "--collector.stat_activity_autovacuum",
      prefix: "pg_stat_activity_autovacuum_",
      enabled: true,
      why: "tables that a vacuum is working on, and since when",
    },
    {
      flag: "--collector.stat_checkpointer",
      prefix: "pg_stat_checkpointer_",
      enabled: true,
      postgresVersion: 17,
      why: "from PostgreSQL 17 on the only place that counts checkpoints; older servers have none of it",
    },
    {
      flag: "--collector.stat_statements",
      prefix: "pg_stat_statements_",
      enabled: true,
      why: "calls and time of the statements that cost most",
    },
    {
      flag: "--collector.stat_wal_receiver",
      prefix: "pg_stat_wal_receiver_",
      enabled: true,
      why: "what a standby has received, and when the primary was last heard of",
    },
    {
      flag: "--collector.statio_user_indexes",
      prefix: "pg_statio_user_indexes_",
      enabled: false,
      why: "two series an index, of the exporter's own database only",
    },
    {
      flag: "--collector.xlog_location",
      prefix: "pg_xlog_location_",
      enabled: false,
      why: "for servers older than PostgreSQL 10",
    },
  ],
  node_exporter: [
    {
      flag: "--collector.systemd",
      prefix: "node_systemd_",
      enabled: true,
      why: "units that failed, timers that did not run",
    },
    {
      flag: "--collector.systemd.enable-restarts-metrics",
      prefix: "node_systemd_service_restart_total",
      enabled: true,
      why: "a service that dies and is started again looks healthy in between",
    },
    {
      flag: "--collector.processes",
      prefix: "node_processes_",
      enabled: false,
      why: "reads all of /proc at each scrape",
    },
    {
      flag: "--collector.ntp",
      prefix: "node_ntp_",
      enabled: false,
      why: "asks a time server from each host; timex knows whether the clock is held",
    },
    {
      flag: "--collector.ethtool",
      prefix: "node_ethtool_",
      enabled: false,
      why: "a hundred series an interface, named by its driver",
    },
    {
      flag: "--collector.tcpstat",
      prefix: "node_tcp_",
      enabled: false,
      why: "reads every socket at each scrape",
    },
  ],
};

/** The options that the program delivers postgres_exporter with, for servers of this major version. */
export function postgresCollectorFlags(version: number): string[] {
  return flagsOf(
    collectors.postgres_exporter.filter(({ postgresVersion = 0 }) => version >= postgresVersion),
  );
}

/** The options that the program delivers node_exporter with. */
export function nodeCollectorFlags(): string[] {
  return flagsOf(collectors.node_exporter);
}

function flagsOf(of: readonly Collector[]): string[] {
  return of.filter(({ enabled }) => enabled).map(({ flag }) => flag);
}

/**
 * The collector that a metric comes from, with the exporter that has it; `undefined` where nothing needs to be switched
 * on. The most specific one where several names begin alike.
 */
export function collectorOf(
  metric: string,
): (Collector & { readonly exporter: CollectingExporter }) | undefined {
  return (["postgres_exporter", "node_exporter"] as const)
    .flatMap((exporter) => collectors[exporter].map((collector) => ({ ...collector, exporter })))
    .filter(({ prefix }) => metric.startsWith(prefix))
    .toSorted((left, right) => right.prefix.length - left.prefix.length)[0];
}
