import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const host = 'job="node",instance="pbs01"';
const placed = { job: "node", instance: "pbs01" };
const store = `${host},datastore="lab-backups"`;
const ofStore = { ...placed, datastore: "lab-backups" };
const disk = `${host},device="/dev/nvme0",model="M",serial="S"`;
const ofDisk = { ...placed, device: "/dev/nvme0", model: "M", serial: "S" };

const checked = `lab_backup_host_checked_timestamp_seconds{${host}}`;
const available = `lab_backup_host_datastore_available_bytes{${store}}`;
const size = `lab_backup_host_datastore_size_bytes{${store}}`;
const healthy = `lab_backup_host_disk_healthy{${disk}}`;
const mediaErrors = `lab_backup_host_disk_media_errors{${disk}}`;
const wear = `lab_backup_host_disk_wear_ratio{${disk}}`;
const uncorrectable = `node_edac_uncorrectable_errors_total{${host},controller="0"}`;
const correctable = `node_edac_correctable_errors_total{${host},controller="0"}`;
const service = (name: string) =>
  `node_systemd_unit_state{${host},name="${name}",state="active",type="simple"}`;
const fetched = `lab_backup_host_repository_fetched{${host}}`;
const enterprise = `lab_backup_host_repository_enabled{${host},repository="enterprise"}`;
const subscription = `lab_backup_host_subscription_active{${host}}`;

const failing =
  "/dev/nvme0 (M, S) on pbs01 says so, or has new media errors: replace it while it can still be read.";
const noUpdates =
  "No package source of Proxmox Backup Server answers pbs01: enable pbs-no-subscription, or renew the subscription.";
const memory = "What pbs01 writes may be wrong: test its memory, then verify the backups.";

export const backupHostProofs: Proofs = onTopOf({ [checked]: { ageSeconds: 600 } }, [
  {
    alert: "DatastoreNotMounted",
    severity: "critical",
    good: { [`lab_backup_host_datastore_mounted{${store}}`]: 1 },
    bad: { [`lab_backup_host_datastore_mounted{${store}}`]: 0 },
    labels: ofStore,
    says: "Datastore lab-backups on pbs01 has no file system of its own: backups fail, or fill the system's disk.",
  },
  {
    alert: "DatastoreFillsUp",
    severity: "warning",
    good: { [size]: 1000, [available]: 260 },
    bad: { [available]: 240 },
    labels: ofStore,
    says: "76% of datastore lab-backups are used, as pbs01 sees it. When it is full, no guest is backed up; room comes back a day after garbage collection.",
    shows: "76%",
  },
  {
    alert: "DatastoreFillsUp",
    severity: "critical",
    good: { [size]: 1000, [available]: 500 },
    bad: { [available]: 140 },
    labels: ofStore,
    says: "86% of datastore lab-backups are used, as pbs01 sees it. When it is full, no guest is backed up; room comes back a day after garbage collection.",
    shows: "86%",
    also: ["DatastoreFillsUp warning"],
  },
  {
    alert: "BackupDiskFailing",
    severity: "critical",
    good: { [healthy]: 1, [mediaErrors]: 5 },
    bad: { [healthy]: 0 },
    labels: ofDisk,
    says: failing,
  },
  {
    alert: "BackupDiskFailing",
    severity: "critical",
    good: { [healthy]: 1, [mediaErrors]: 5 },
    bad: { [mediaErrors]: 6 },
    labels: ofDisk,
    says: failing,
  },
  {
    alert: "BackupDiskWearsOut",
    severity: "warning",
    good: { [wear]: 0.79 },
    bad: { [wear]: 0.81 },
    labels: ofDisk,
    says: "/dev/nvme0 (M, S) on pbs01 has used 81% of its life.",
    shows: "81%",
  },
  {
    alert: "BackupDiskWearsOut",
    severity: "critical",
    good: { [wear]: 0.5 },
    bad: { [wear]: 0.91 },
    labels: ofDisk,
    says: "/dev/nvme0 (M, S) on pbs01 has used 91% of its life.",
    shows: "91%",
    also: ["BackupDiskWearsOut warning"],
  },
  {
    alert: "BackupHostMemoryErrors",
    severity: "critical",
    good: { [uncorrectable]: { perMinute: 0 } },
    bad: { [uncorrectable]: { perMinute: 1 } },
    labels: { ...placed, controller: "0" },
    says: memory,
    delayMinutes: 1,
    clearMinutes: 59,
  },
  {
    alert: "BackupHostMemoryErrors",
    severity: "critical",
    good: { [correctable]: { perMinute: 0 } },
    bad: { [correctable]: { perMinute: 0.2 } },
    labels: { ...placed, controller: "0" },
    says: memory,
    stepMinutes: 60,
    delayMinutes: 60,
    clearMinutes: 23 * 60,
    elsewhere: { [correctable]: { perMinute: 0.004 } },
  },
  {
    alert: "BackupHostClockUnsynchronised",
    severity: "warning",
    good: { [`node_timex_sync_status{${host}}`]: 1 },
    bad: { [`node_timex_sync_status{${host}}`]: 0 },
    labels: placed,
    says: "pbs01 follows no time server: prune and expiry dates go wrong with its clock.",
  },
  ...["proxmox-backup.service", "proxmox-backup-proxy.service"].map((name) => ({
    alert: "BackupServiceDown",
    severity: "critical" as const,
    good: { [service(name)]: 1 },
    bad: { [service(name)]: 0 },
    labels: { ...placed, name, state: "active", type: "simple" },
    says: `${name} on pbs01 is not active: nothing is backed up.`,
  })),
  {
    alert: "BackupServerGetsNoUpdates",
    severity: "warning",
    good: { [fetched]: 1, [enterprise]: 0, [subscription]: 0 },
    bad: { [fetched]: 0 },
    labels: placed,
    says: noUpdates,
    stepMinutes: 60,
  },
  {
    alert: "BackupServerGetsNoUpdates",
    severity: "warning",
    good: { [fetched]: 1, [enterprise]: 1, [subscription]: 1 },
    bad: { [subscription]: 0 },
    labels: { ...placed, repository: "enterprise" },
    says: noUpdates,
    stepMinutes: 60,
  },
  {
    alert: "BackupHostUnwatched",
    severity: "warning",
    good: { [checked]: { ageSeconds: 3540 } },
    bad: { [checked]: { ageSeconds: 3660 } },
    labels: placed,
    says: "pbs01 should look at itself every quarter of an hour.",
  },
  {
    alert: "BackupHostUnwatched",
    severity: "warning",
    good: { [checked]: { ageSeconds: 600 } },
    bad: { [checked]: "absent" },
    labels: placed,
    says: "pbs01 should look at itself every quarter of an hour.",
  },
]);
