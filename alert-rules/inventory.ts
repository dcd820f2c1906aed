import type { Overrides } from "./thresholds.ts";

/** A guest as far as rules are concerned. */
export interface WatchedGuest {
  readonly name: string;
  /** Whether it is to run at all times. */
  readonly shouldRun: boolean;
  /** What backs it up: `pbs`, another product, or `none`. */
  readonly backupTool: string;
  /** Of a guest backed up by PBS: the id of its job. */
  readonly backupJob?: string;
  /** Age at which its newest backup is due for an alert, in seconds; absent where nothing in the lab can see it. */
  readonly maximumBackupAgeSeconds?: number;
  /** A backup run that takes longer is reported, in seconds. */
  readonly backupDurationLimitSeconds?: number;
}

/** A PostgreSQL cluster as far as rules are concerned. */
export interface WatchedCluster {
  readonly name: string;
  readonly primary: string;
  readonly standbys: readonly string[];
  readonly databases: readonly string[];
  /** Age of the last validated dump at which an alert is due, in hours. */
  readonly maximumDumpAgeHours: number;
  /** A run of dumps that takes longer is reported, in seconds. */
  readonly dumpDurationLimitSeconds: number;
  /** Whether dumps must be copied off-site. */
  readonly isOffsite: boolean;
  /** Whether pgBackRest makes physical backups and archives WAL. */
  readonly hasPhysicalBackups: boolean;
}

/** A datastore of Proxmox Backup Server. */
export interface WatchedDatastore {
  readonly name: string;
  /** After so many days a verification no longer counts. */
  readonly verificationOutdatedAfterDays: number;
  /** Time after which another garbage collection must have ended, in seconds; absent where none is scheduled for ever. */
  readonly maximumCollectionAgeSeconds?: number;
}

/** A job of Proxmox Backup Server. */
export interface WatchedServerJob {
  readonly id: string;
  readonly type: "prune" | "verify" | "sync";
  readonly datastore: string;
  /** Time after which it must have ended once more, in seconds; absent where it is not scheduled for ever. */
  readonly maximumAgeSeconds?: number;
}

/** What the rules have to know about a site: who is expected to be there. Names, never addresses. */
export interface Inventory {
  /** Hosts that run node_exporter. */
  readonly hosts: readonly string[];
  readonly monitoringHost: string;
  /** The host that carries Proxmox Backup Server, where it is watched. */
  readonly backupHost?: string;
  /** Proxmox VE nodes. */
  readonly nodes: readonly string[];
  readonly guests: readonly WatchedGuest[];
  readonly datastores: readonly WatchedDatastore[];
  readonly serverJobs: readonly WatchedServerJob[];
  readonly clusters: readonly WatchedCluster[];
  /** Databases of other engines. */
  readonly others: readonly { readonly guest: string; readonly engine: "mysql" | "mongodb" | "rustydb" }[];
  /** Whether a Kubernetes cluster's volumes are scraped as well. */
  readonly hasKubernetes: boolean;
  readonly scrapeIntervalSeconds: number;
  readonly evaluationIntervalSeconds: number;
  /** From so many days before its end on, a certificate is due to be renewed. */
  readonly certificateRenewBeforeDays: number;
  /** Multiplies what alerts wait and the windows they look at: 1, or less where a lab is made to be broken on purpose. */
  readonly pace: number;
  /** Figures that the site has of its own. */
  readonly thresholds: Overrides;
  /** Where runbooks are read: `<url>/<alert name>.md`. */
  readonly runbookUrl: string;
  /** Grafana's address, where there is one: alerts link to its dashboards. */
  readonly grafanaUrl?: string;
}
