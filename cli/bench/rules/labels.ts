import type { SyntheticLab, Target } from "./target.ts";

export type Labels = Readonly<Record<string, string>>;

/**
 * The labels that a metric comes with on a target: one set a series. How many there are follows an ordinary guest of
 * four processors and 150 systemd units, and an ordinary server of a few databases.
 *
 * @param names the labels of the metric, as the catalogue of metrics has them
 */
export function labelSets(
  metric: string,
  names: readonly string[],
  target: Target,
  lab: SyntheticLab,
): readonly Labels[] {
  const together = tuples(metric, target, lab);
  if (together) return together;
  const values = (name: string) =>
    (valuesOf(name, metric, target, lab) ?? ["any"]).map((value) => ({ [name]: value }));
  return product(names.map(values));
}

/** Labels whose values belong together. */
function tuples(metric: string, target: Target, { inventory }: SyntheticLab): readonly Labels[] | undefined {
  const { cluster } = target;
  if (metric.startsWith("node_filesystem_") && metric !== "node_filesystem_mount_info")
    return [...filesystems, ...(cluster ? [backupDisk] : [])].map((each) => ({ ...each, device_error: "" }));
  if (metric === "node_systemd_unit_state") return product([units, unitStates.map((state) => ({ state }))]);
  if (metric === "pg_stat_activity_count" || metric === "pg_stat_activity_max_tx_duration")
    return sessions(databasesOf(target));
  if (metric.startsWith("pg_stat_statements_")) return statements(databasesOf(target));
  if (metric.startsWith("pg_stat_database_"))
    return databasesOf(target).map((datname, index) => ({
      datname,
      datid: `${16_384 + index}`,
      ...(metric.includes("_conflicts_") ? { server } : {}),
    }));
  if (metric.startsWith("lab_pbs_job_"))
    return inventory.serverJobs.map(({ id, type, datastore }) => ({ job_id: id, type, datastore }));
  if (metric === "lab_pbs_snapshot_newest_verification")
    return product([snapshots(inventory), [{ state: "ok" }, { state: "failed" }, { state: "none" }]]);
  if (metric.startsWith("lab_pbs_snapshot")) return snapshots(inventory);
  return undefined;
}

const range = (count: number, prefix = "") =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const filesystems = [
  { device: "/dev/sda1", fstype: "ext4", mountpoint: "/" },
  { device: "/dev/sda16", fstype: "ext4", mountpoint: "/boot" },
  { device: "/dev/sda15", fstype: "vfat", mountpoint: "/boot/efi" },
  { device: "tmpfs", fstype: "tmpfs", mountpoint: "/run" },
  { device: "tmpfs", fstype: "tmpfs", mountpoint: "/run/lock" },
] as const;
const backupDisk = { device: "/dev/sdb", fstype: "ext4", mountpoint: "/mnt/backup" };

const units = [
  { name: "ssh.service", type: "simple" },
  { name: "proxmox-backup.service", type: "simple" },
  { name: "proxmox-backup-proxy.service", type: "simple" },
  ...range(147, "unit-").map((name) => ({ name: `${name}.service`, type: "oneshot" })),
];
const unitStates = ["activating", "active", "deactivating", "failed", "inactive"];

const server = "/var/run/postgresql:5432";

function databasesOf({ cluster }: Target): string[] {
  return [...(cluster?.databases ?? []), "postgres"];
}

function sessions(databases: readonly string[]): Labels[] {
  const session = { server, usename: "astro", application_name: "app", wait_event_type: "", wait_event: "" };
  return product([
    databases.map((datname) => ({ ...session, datname, backend_type: "client backend" })),
    ["active", "idle", "idle in transaction", "disabled"].map((state) => ({ state })),
  ]);
}

/** The exporter tells of the hundred that cost most. */
function statements(databases: readonly string[]): Labels[] {
  return range(100).map((queryid, index) => ({
    datname: databases[index % databases.length] ?? "",
    queryid,
    user: "astro",
  }));
}

function snapshots({ guests, datastores }: SyntheticLab["inventory"]): Labels[] {
  const [datastore] = datastores;
  return guests
    .filter(({ backupTool }) => backupTool === "pbs")
    .map(({ name }) => ({ guest: name, namespace: "lab", datastore: datastore?.name ?? "" }));
}

/** What a label may be, where it does not depend on another one; `undefined` for those that say something once. */
function valuesOf(
  label: string,
  metric: string,
  target: Target,
  { inventory }: SyntheticLab,
): readonly string[] | undefined {
  const { cluster } = target;
  switch (label) {
    case "device":
      if (metric.startsWith("node_disk_")) return cluster ? ["sda", "sdb"] : ["sda"];
      return metric.startsWith("node_network_") ? ["lo", "eth0"] : ["eth0"];
    case "mode":
      if (metric === "pg_locks_count") return range(9, "mode-");
      if (metric === "lab_pbs_datastore_maintenance") return ["none", "read-only", "offline"];
      return metric === "node_cpu_guest_seconds_total"
        ? ["nice", "user"]
        : ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];
    case "cpu":
      return range(4);
    case "collector":
      return range(target.job === "node" ? 50 : 15, "collector-");
    case "name":
      if (metric.startsWith("node_systemd_service_")) return units.slice(0, 60).map(({ name }) => name);
      return metric.startsWith("node_systemd_") ? range(15, "unit-") : undefined;
    case "file":
      return range(cluster ? 4 : 1, "/var/lib/node_exporter/textfile/file-");
    case "service":
      return cluster ? ["node_exporter", "postgres_exporter", "postgresql"] : ["node_exporter"];
    case "datname":
      return databasesOf(target);
    case "database":
      return cluster?.databases;
    case "server":
      return [server];
    case "node":
      return inventory.nodes;
    case "guest":
      return inventory.guests.map(({ name }) => name);
    case "datastore":
      return inventory.datastores.map(({ name }) => name);
    case "job_id":
      return [...new Set(inventory.guests.flatMap(({ backupJob }) => backupJob ?? []))];
    case "storage":
      return ["local", "nvme", "ceph"];
    case "standby":
      return cluster?.standbys;
    case "slot":
      return cluster?.standbys.map((standby) => standby.replaceAll("-", "_"));
    default:
      return known[label]?.find(({ of }) => metric.includes(of))?.values;
  }
}

/** Labels whose values are our own programs' to choose, by a part of the metric's name. */
const known: Readonly<
  Record<string, readonly { readonly of: string; readonly values: readonly string[] }[]>
> = {
  state: [
    { of: "dbkeeper_kept", values: ["proven", "unproven", "unreadable"] },
    { of: "node_systemd_units", values: unitStates },
  ],
  command: [
    {
      of: "dbkeeper",
      values: [
        ...["run", "validate", "prune", "archive", "archive verify", "wal setup", "wal backup", "wal expire"],
        ...["wal check", "wal drill", "maintain", "observe"],
      ],
    },
  ],
  outcome: [
    { of: "dbkeeper_runs", values: ["ok", "failed"] },
    { of: "dbkeeper_maintain", values: ["done", "failed", "locked", "not-permitted"] },
  ],
  action: [{ of: "dbkeeper_maintain", values: ["vacuum", "analyze", "reindex"] }],
  kind: [
    { of: "dbkeeper_maintain", values: ["table", "index"] },
    {
      of: "dbkeeper_log",
      values: [
        ...["failed_login", "corruption", "panic", "crash", "io_error", "disk_full", "out_of_memory"],
        ...["too_many_connections", "resource", "deadlock", "lock_timeout", "statement_timeout"],
        ...["recovery_conflict", "archive_failed", "slow_statement", "lock_wait"],
      ],
    },
  ],
  method: [{ of: "dbkeeper_maintain", values: ["measured"] }],
  class: [{ of: "dbkeeper_wal", values: ["MISSING_DELAYED", "MISSING_LOST", "MISSING_UPLOADING"] }],
  repository: [
    { of: "dbkeeper_wal", values: ["1"] },
    { of: "lab_backup_host", values: ["enterprise"] },
  ],
  type: [
    { of: "dbkeeper_wal", values: ["full", "incr"] },
    { of: "dbkeeper_observed_slot", values: ["physical"] },
  ],
  status: [
    { of: "dbkeeper_observed_slot", values: ["reserved", "extended", "unreserved", "lost"] },
    { of: "rustydb", values: ["committed", "rolled_back"] },
  ],
  verdict: [{ of: "dbkeeper", values: ["pass"] }],
  part: [
    {
      of: "dbkeeper",
      values: [
        ...["integrity", "security", "settings", "transactions", "replication", "databases"],
        ...["statements", "log"],
      ],
    },
    { of: "lab_pve", values: ["cluster", "resources", "jobs", "tasks"] },
    { of: "lab_pbs", values: ["datastores", "gc", "jobs", "snapshots", "tasks"] },
  ],
  conn_type: [{ of: "mongodb", values: ["available", "current"] }],
  count_type: [{ of: "mongodb", values: ["readers", "total", "writers"] }],
  what: [{ of: "dbkeeper", values: ["superusers", "hba", "settings"] }],
  holder: [{ of: "dbkeeper", values: ["transaction", "prepared", "slot", "standby"] }],
  stage: [{ of: "dbkeeper", values: ["write", "flush", "replay"] }],
  worker_type: [
    { of: "lab_pbs", values: ["backup", "prunejob", "verificationjob", "syncjob", "garbage_collection"] },
  ],
};

function product(sides: readonly (readonly Labels[])[]): Labels[] {
  return sides.reduce<Labels[]>(
    (sets, side) => sets.flatMap((set) => side.map((labels) => ({ ...set, ...labels }))),
    [{}],
  );
}
