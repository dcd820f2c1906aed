import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const seen = 'job="node",instance="proj-mon01"';
const placed = { job: "node", instance: "proj-mon01" };
const store = `${seen},datastore="lab-backups"`;
const ofStore = { ...placed, datastore: "lab-backups" };

const jobs = [
  { job_id: "prune-daily", type: "prune", limitSeconds: 36 * 3600, ago: "1d 12h 1m 0s" },
  { job_id: "verify-lab-backups", type: "verify", limitSeconds: 180 * 3600, ago: "7d 12h 1m 0s" },
] as const;
const ofJob = (metric: string, { job_id, type }: { readonly job_id: string; readonly type: string }) =>
  `${metric}{${store},job_id="${job_id}",type="${type}"}`;

const up = `lab_pbs_up{${seen}}`;
const part = `lab_pbs_part_success{${seen},part="gc"}`;
const storeUp = `lab_pbs_datastore_up{${store}}`;
const maintenance = (mode: string) => `lab_pbs_datastore_maintenance{${store},mode="${mode}"}`;
const used = `lab_pbs_datastore_used_bytes{${store}}`;
const total = `lab_pbs_datastore_total_bytes{${store}}`;
const full = `lab_pbs_datastore_estimated_full_timestamp_seconds{${store}}`;
const damaged = `lab_pbs_gc_still_bad_chunks{${store}}`;
const collected = `lab_pbs_gc_last_ok{${store}}`;
const collectedAt = `lab_pbs_gc_last_end_timestamp_seconds{${store}}`;
const pruned = ofJob("lab_pbs_job_last_ok", jobs[0]);
const failed = (type: string) => `lab_pbs_tasks_failed{${seen},worker_type="${type}"}`;

const day = 86_400;
const onHost = 'lab_backup_host_datastore_size_bytes{job="node",instance="pbs01",datastore="lab-backups"}';

const healthy = {
  [up]: 1,
  ...Object.fromEntries(jobs.map((job) => [ofJob("lab_pbs_job_scheduled", job), 1])),
};

export const pbsProofs: Proofs = onTopOf(healthy, [
  {
    alert: "BackupServerUnreachable",
    severity: "critical",
    good: { [up]: 1 },
    bad: { [up]: 0 },
    labels: placed,
    says: "proj-mon01 gets no answer from Proxmox Backup Server: guests cannot be backed up or restored, and nothing is known of what is kept.",
  },
  {
    alert: "BackupServerPartUnread",
    severity: "warning",
    good: { [part]: 1 },
    bad: { [part]: 0 },
    labels: { ...placed, part: "gc" },
    says: "The backup server answers proj-mon01, but not about its gc: has the token lost a right? Alerts on it stay silent.",
    elsewhere: { [up]: 0, [part]: 0 },
  },
  {
    alert: "DatastoreUnavailable",
    severity: "critical",
    good: { [storeUp]: 1 },
    bad: { [storeUp]: 0 },
    labels: ofStore,
    says: "The backup server cannot use datastore lab-backups: nothing is backed up into it, and nothing restored from it. proj-mon01 read so.",
  },
  {
    alert: "DatastoreInMaintenance",
    severity: "warning",
    stepMinutes: 5,
    good: { [maintenance("none")]: 0 },
    bad: { [maintenance("none")]: "absent", [maintenance("read-only")]: 1 },
    labels: { ...ofStore, mode: "read-only" },
    says: "Datastore lab-backups is in maintenance (read-only): backups into it are refused until somebody ends that.",
    elsewhere: { [maintenance("none")]: 1 },
  },
  {
    alert: "DatastoreFillsUp",
    severity: "warning",
    good: { [used]: 740, [total]: 1000 },
    bad: { [used]: 760 },
    labels: ofStore,
    says: "76% of datastore lab-backups are used, as proj-mon01 sees it. When it is full, no guest is backed up; room comes back a day after garbage collection.",
    shows: "76%",
    elsewhere: { [used]: 990, [total]: 1000, [onHost]: 1000 },
  },
  {
    alert: "DatastoreFillsUp",
    severity: "critical",
    good: { [used]: 500, [total]: 1000 },
    bad: { [used]: 860 },
    labels: ofStore,
    says: "86% of datastore lab-backups are used, as proj-mon01 sees it. When it is full, no guest is backed up; room comes back a day after garbage collection.",
    shows: "86%",
    also: ["DatastoreFillsUp warning"],
    elsewhere: { [used]: 990, [total]: 1000, [onHost]: 1000 },
  },
  {
    alert: "DatastoreFullSoon",
    severity: "warning",
    stepMinutes: 5,
    good: { [full]: { ageSeconds: -30 * day - 60 } },
    bad: { [full]: { ageSeconds: -30 * day + 60 } },
    labels: ofStore,
    says: "If it goes on to grow as in the last month, datastore lab-backups is full in 29d 23h 59m 0s.",
    shows: "29d 23h 59m 0s",
  },
  {
    alert: "BackupChunksDamaged",
    severity: "critical",
    good: { [damaged]: 0 },
    bad: { [damaged]: 2 },
    labels: ofStore,
    says: "2 damaged chunks of datastore lab-backups are still in use: the backups that use them cannot be restored as a whole.",
    shows: "2 chunks",
  },
  {
    alert: "GarbageCollectionFailed",
    severity: "warning",
    good: { [collected]: 1 },
    bad: { [collected]: 0 },
    labels: ofStore,
    says: "The last garbage collection of datastore lab-backups failed or warned: what was pruned still takes its room.",
  },
  {
    alert: "GarbageCollectionOverdue",
    severity: "warning",
    good: { [collectedAt]: { ageSeconds: 1.5 * day - 60 } },
    bad: { [collectedAt]: { ageSeconds: 1.5 * day + 60 } },
    labels: ofStore,
    says: "Garbage of datastore lab-backups was last collected 1d 12h 1m 0s ago: what was pruned still takes its room.",
    shows: "1d 12h 1m 0s",
  },
  {
    alert: "BackupServerJobFailed",
    severity: "warning",
    good: { [pruned]: 1 },
    bad: { [pruned]: 0 },
    labels: { ...ofStore, job_id: "prune-daily", type: "prune" },
    says: "The last run of the prune job prune-daily on datastore lab-backups failed or warned.",
  },
  ...jobs.flatMap((job) => {
    const scheduled = ofJob("lab_pbs_job_scheduled", job);
    const ended = ofJob("lab_pbs_job_last_end_timestamp_seconds", job);
    const labels = { ...ofStore, job_id: job.job_id, type: job.type };
    const missing = `The ${job.type} job ${job.job_id} of datastore lab-backups is not there, or has no schedule. Run \`pulumi up\`.`;
    const common = { alert: "BackupServerJobMissing", severity: "warning" as const, stepMinutes: 5 };
    return [
      { ...common, good: { [scheduled]: 1 }, bad: { [scheduled]: 0 }, labels, says: missing },
      {
        ...common,
        good: { [scheduled]: 1 },
        bad: { [scheduled]: "absent" as const },
        labels,
        says: missing,
        elsewhere: { [up]: 0, [scheduled]: "absent" as const },
      },
      {
        alert: "BackupServerJobOverdue",
        severity: "warning" as const,
        good: { [ended]: { ageSeconds: job.limitSeconds - 60 } },
        bad: { [ended]: { ageSeconds: job.limitSeconds + 60 } },
        labels,
        says: `The ${job.type} job ${job.job_id} of datastore lab-backups last ended ${job.ago} ago.`,
        shows: job.ago,
      },
    ];
  }),
  {
    alert: "BackupServerTasksFailed",
    severity: "warning",
    good: { [failed("backup")]: 0 },
    bad: { [failed("backup")]: 3 },
    labels: { ...placed, worker_type: "backup" },
    says: "3 tasks of the kind backup failed on the backup server within a day, as proj-mon01 reads.",
    shows: "3 tasks",
    elsewhere: { [failed("prunejob")]: 3 },
  },
]);
