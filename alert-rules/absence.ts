/** Series of one kind, and the alerts that fire when they come no more. */
export interface Feed {
  /** The `source` of a file of `metrics/`. */
  readonly source: string;
  /** Only its metrics that begin so; default all. */
  readonly prefix?: string;
  /** Each fires when its part of these series has gone. */
  readonly partners: readonly string[];
}

/**
 * What notices that nothing is known any more: a rule that compares a figure is silent where there is none. The first
 * feed that fits a metric counts.
 */
export const feeds: readonly Feed[] = [
  { source: "dbkeeper", prefix: "dbkeeper_observed_", partners: ["PostgresObservationUnknown"] },
  { source: "dbkeeper", prefix: "dbkeeper_log_", partners: ["PostgresObservationUnknown"] },
  { source: "dbkeeper", prefix: "dbkeeper_wal_", partners: ["PhysicalBackupUnknown", "WalArchiveUnknown"] },
  { source: "dbkeeper", prefix: "dbkeeper_maintain_", partners: ["MaintenanceUnknown"] },
  { source: "dbkeeper", partners: ["DatabaseBackupUnknown"] },
  { source: "proxwatch", partners: ["ProxwatchStale"] },
  { source: "hosts", prefix: "lab_backup_host_", partners: ["BackupHostUnwatched"] },
  { source: "hosts", partners: ["CertificatesUnknown"] },
  { source: "kubernetes-storage", partners: ["KubernetesStorageUnwatched"] },
  { source: "kube-state-metrics", partners: ["KubernetesStorageUnwatched"] },
  ...[
    "node_exporter",
    "postgres_exporter",
    "mysqld_exporter",
    "mongodb_exporter",
    "rustydb",
    "prometheus",
    "prometheus-itself",
    "alertmanager",
  ].map((source) => ({ source, partners: ["TargetMissing"] })),
];

/** The partners of a metric of a source; undefined where nobody would notice that it is gone. */
export function partnersOf(metric: string, source: string): readonly string[] | undefined {
  return feeds.find((feed) => feed.source === source && metric.startsWith(feed.prefix ?? ""))?.partners;
}
