import type { Inventory } from "./inventory.ts";

/** Series of one kind, and the alerts that fire when they come no more. */
export interface Feed {
  /** The `source` of a file of `metrics/`. */
  readonly source: string;
  /** Only its metrics that begin so; default all. */
  readonly prefix?: string;
  /** And those of other names whose label `command` begins so: each program writes a file of its own. */
  readonly command?: string;
  /** Each fires when its part of these series has gone. */
  readonly partners: readonly string[];
  /** Whether a site has such series at all. Default always. */
  readonly isExpected?: (site: Inventory) => boolean;
}

/**
 * What notices that nothing is known any more: a rule that compares a figure is silent where there is none. The first
 * feed that fits a metric counts.
 */
export const feeds: readonly Feed[] = [
  ...["observed", "log"].map((part) => ({
    source: "dbkeeper",
    prefix: `dbkeeper_${part}_`,
    partners: ["PostgresObservationUnknown"],
    isExpected: hasClusters,
  })),
  {
    source: "dbkeeper",
    prefix: "dbkeeper_wal_",
    command: "wal ",
    partners: ["PhysicalBackupUnknown", "WalArchiveUnknown"],
    isExpected: ({ clusters }) => clusters.some(({ hasPhysicalBackups }) => hasPhysicalBackups),
  },
  {
    source: "dbkeeper",
    prefix: "dbkeeper_maintain_",
    command: "maintain",
    partners: ["MaintenanceUnknown"],
    isExpected: hasClusters,
  },
  {
    source: "dbkeeper",
    partners: ["DatabaseBackupUnknown"],
    isExpected: ({ clusters }) => clusters.some(({ databases }) => databases.length > 0),
  },
  { source: "proxwatch", partners: ["ProxwatchStale"] },
  {
    source: "hosts",
    prefix: "lab_backup_host_",
    partners: ["BackupHostUnwatched"],
    isExpected: ({ backupHost }) => backupHost !== undefined,
  },
  { source: "hosts", partners: ["CertificatesUnknown"] },
  ...["kubernetes-storage", "kube-state-metrics"].map((source) => ({
    source,
    partners: ["KubernetesStorageUnwatched"],
    isExpected: ({ hasKubernetes }: Inventory) => hasKubernetes,
  })),
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

/**
 * The feed of a metric of a source; undefined where nobody would notice that it is gone.
 *
 * @param command the label of a single series, where it has one
 */
export function feedOf(metric: string, source: string, command = ""): Feed | undefined {
  return feeds.find(
    (feed) =>
      feed.source === source &&
      (metric.startsWith(feed.prefix ?? "") ||
        (feed.command !== undefined && command.startsWith(feed.command))),
  );
}

function hasClusters({ clusters }: Inventory): boolean {
  return clusters.length > 0;
}
