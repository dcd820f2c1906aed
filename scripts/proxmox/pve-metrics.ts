import type { Family } from "../metrics/family.ts";
import type { BackupJobs, ClusterStatus, Resources } from "./answers.ts";
import { gauge, sample } from "./gauge.ts";
import type { Names } from "./names.ts";

/** What corosync says of the nodes. A node that is in no cluster has no quorum to tell of. */
export function clusterFamilies(rows: ClusterStatus): Family[] {
  const nodes = rows.filter(({ type }) => type === "node");
  return [
    gauge(
      "pve_cluster_quorate",
      "Whether the cluster has a quorum.",
      rows.filter(({ type }) => type === "cluster").map(({ quorate }) => sample({}, quorate)),
    ),
    gauge(
      "pve_node_online",
      "Whether the cluster sees the node.",
      nodes.map(({ name, online }) => sample({ node: name }, online ?? false)),
    ),
  ];
}

/** Guests that can be backed up, templates included. */
export function guestsIn(rows: Resources): { vmid: number; name: string | undefined }[] {
  return rows.flatMap(({ type, vmid, name }) =>
    (type === "qemu" || type === "lxc") && vmid !== undefined ? [{ vmid, name }] : [],
  );
}

/** Guest and kind of each lock that there is. */
export function locksIn(rows: Resources, names: Names): { guest: string; lock: string }[] {
  return rows.flatMap(({ vmid, lock }) =>
    vmid === undefined || !lock ? [] : [{ guest: names.ofVmid(vmid), lock }],
  );
}

/** What nodes, guests and storages are doing. */
export function resourceFamilies(rows: Resources, names: Names): Family[] {
  return [
    ...nodeFamilies(rows.filter(({ type }) => type === "node")),
    ...guestFamilies(rows, names),
    ...storageFamilies(rows.filter(({ type }) => type === "storage")),
  ];
}

function nodeFamilies(rows: Resources): Family[] {
  const of = (value: (row: Resources[number]) => number | undefined) =>
    rows.map((row) => sample({ node: row.node ?? "" }, row.status === "online" ? value(row) : undefined));
  return [
    gauge(
      "pve_node_uptime_seconds",
      "Time since the node was started.",
      of(({ uptime }) => uptime),
    ),
    gauge(
      "pve_node_cpu_ratio",
      "Share of the node's processors in use.",
      of(({ cpu }) => cpu),
    ),
    gauge(
      "pve_node_memory_ratio",
      "Share of the node's memory in use.",
      of(({ mem, maxmem }) => ratio(mem, maxmem)),
    ),
    gauge(
      "pve_node_root_disk_ratio",
      "Share of the node's root file system in use.",
      of(({ disk, maxdisk }) => ratio(disk, maxdisk)),
    ),
  ];
}

function guestFamilies(rows: Resources, names: Names): Family[] {
  const guests = rows.flatMap((row) =>
    row.vmid === undefined || row.template ? [] : [{ ...row, vmid: row.vmid, guest: names.ofVmid(row.vmid) }],
  );
  // Of guests on a node that is off, the cluster knows only where they were.
  const known = guests.filter(({ status }) => status !== "unknown");
  return [
    gauge(
      "pve_guest_info",
      "Where the guest is; always 1.",
      guests.map(({ guest, node = "", vmid }) => sample({ guest, node, vmid: String(vmid) }, 1)),
    ),
    gauge(
      "pve_guest_running",
      "Whether the guest runs; 0 as well where its node is off.",
      guests.map(({ guest, status }) => sample({ guest }, status === "running")),
    ),
    gauge(
      "pve_guest_uptime_seconds",
      "Time since the guest was started; 0 where it does not run.",
      known.map(({ guest, uptime }) => sample({ guest }, uptime)),
    ),
  ];
}

function storageFamilies(rows: Resources): Family[] {
  const of = (value: (row: Resources[number]) => number | boolean | undefined) =>
    rows.map((row) => sample({ node: row.node ?? "", storage: row.storage ?? "" }, value(row)));
  const isActive = ({ status }: Resources[number]) => status === "available";
  return [
    gauge("pve_storage_active", "Whether the node can use the storage.", of(isActive)),
    gauge(
      "pve_storage_total_bytes",
      "Size of the storage as the node sees it.",
      of((row) => (isActive(row) ? row.maxdisk : undefined)),
    ),
    gauge(
      "pve_storage_used_bytes",
      "What is used of the storage.",
      of((row) => (isActive(row) ? row.disk : undefined)),
    ),
  ];
}

/** When each lock was first seen: the API tells that there is one, not since when. */
export function lockFamilies(locks: readonly { guest: string; lock: string; firstSeen: number }[]): Family[] {
  return [
    gauge(
      "pve_guest_lock_first_seen_timestamp_seconds",
      "When the guest was first seen with the lock that it has.",
      locks.map(({ guest, lock, firstSeen }) => sample({ guest, lock }, firstSeen)),
    ),
  ];
}

/** Backup jobs, and the guests that none of them takes. */
export function backupJobFamilies(
  jobs: BackupJobs,
  uncovered: readonly { readonly vmid: number }[],
  guests: readonly { readonly vmid: number }[],
  names: Names,
): Family[] {
  const without = new Set(uncovered.map(({ vmid }) => vmid));
  const backups = jobs.filter(({ type = "vzdump" }) => type === "vzdump");
  return [
    gauge(
      "pve_backup_job_enabled",
      "Whether the backup job is switched on.",
      backups.map(({ id, enabled }) => sample({ job_id: id }, enabled ?? true)),
    ),
    gauge(
      "pve_backup_job_next_run_timestamp_seconds",
      "When the backup job runs next.",
      backups.map((job) => sample({ job_id: job.id }, job["next-run"])),
    ),
    gauge(
      "pve_guest_in_backup_job",
      "Whether any backup job takes the guest.",
      guests.map(({ vmid }) => sample({ guest: names.ofVmid(vmid) }, !without.has(vmid))),
    ),
  ];
}

function ratio(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
}
