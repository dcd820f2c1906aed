import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const seen = 'job="node",instance="proj-mon01"';
const placed = { job: "node", instance: "proj-mon01" };
const guest = `${seen},guest="proj-pg01"`;
const ofGuest = { ...placed, guest: "proj-pg01" };

const up = `lab_pve_up{${seen}}`;
const enabled = `lab_pve_backup_job_enabled{${seen},job_id="proj-pg01-daily"}`;
const next = `lab_pve_backup_job_next_run_timestamp_seconds{${seen},job_id="proj-pg01-daily"}`;
const inJob = `lab_pve_guest_in_backup_job{${guest}}`;
const ok = `lab_pve_backup_last_ok{${guest}}`;
const warnings = `lab_pve_backup_last_warnings{${guest}}`;
const taken = `lab_pve_backup_last_success_timestamp_seconds{${guest}}`;
const duration = `lab_pve_backup_last_duration_seconds{${guest}}`;
const runs = `lab_pve_backup_running_start_timestamp_seconds{${seen},node="pve1"}`;

const hour = 3600;
const willNotRun =
  "Job proj-pg01-daily is switched off, or has no next run: its guests are not backed up. proj-mon01 read so from Proxmox VE.";

export const guestBackupsProofs: Proofs = onTopOf({ [up]: 1, [enabled]: 1, [next]: { ageSeconds: -hour } }, [
  {
    alert: "BackupJobMissing",
    severity: "critical",
    good: { [enabled]: 1 },
    bad: { [enabled]: "absent" },
    labels: { ...placed, job_id: "proj-pg01-daily" },
    says: "Proxmox VE has no job proj-pg01-daily, although the site has it: its guests are not backed up. Run `pulumi up`.",
    elsewhere: { [up]: 0, [enabled]: "absent" },
  },
  {
    alert: "BackupJobDisabled",
    severity: "critical",
    stepMinutes: 5,
    good: { [enabled]: 1 },
    bad: { [enabled]: 0 },
    labels: { ...placed, job_id: "proj-pg01-daily" },
    says: willNotRun,
  },
  {
    alert: "BackupJobDisabled",
    severity: "critical",
    stepMinutes: 5,
    good: { [enabled]: 1 },
    bad: { [next]: "absent" },
    labels: { ...placed, job_id: "proj-pg01-daily" },
    says: willNotRun,
  },
  {
    alert: "GuestInNoBackupJob",
    severity: "warning",
    stepMinutes: 5,
    good: { [inJob]: 1 },
    bad: { [inJob]: 0 },
    labels: ofGuest,
    says: "No job backs proj-pg01 up, and the site does not say that another product does.",
    elsewhere: { [inJob.replace("proj-pg01", "proj-old01")]: 0 },
  },
  {
    alert: "GuestBackupFailed",
    severity: "warning",
    good: { [ok]: 1, [warnings]: 0 },
    bad: { [ok]: 0 },
    labels: ofGuest,
    says: "The last run that was to back proj-pg01 up ended in an error.",
    elsewhere: { [ok]: 0, [warnings]: 3 },
  },
  {
    alert: "GuestBackupWarned",
    severity: "warning",
    good: { [ok]: 1, [warnings]: 0 },
    bad: { [ok]: 0, [warnings]: 2 },
    labels: ofGuest,
    says: "The last run that backed proj-pg01 up told 2 warnings: perhaps its agent did not freeze the file systems.",
    shows: "2 warnings",
  },
  {
    alert: "GuestBackupNotTaken",
    severity: "warning",
    good: { [taken]: { ageSeconds: 26 * hour - 60 } },
    bad: { [taken]: { ageSeconds: 26 * hour + 60 } },
    labels: ofGuest,
    says: "Proxmox VE last took a backup of proj-pg01 1d 2h 1m 0s ago.",
    shows: "1d 2h 1m 0s",
  },
  {
    alert: "GuestBackupTooLong",
    severity: "warning",
    good: { [duration]: 3590 },
    bad: { [duration]: 3610 },
    labels: ofGuest,
    says: "The last backup of proj-pg01 took 1h 0m 10s.",
    shows: "1h 0m 10s",
  },
  {
    alert: "BackupRunHangs",
    severity: "warning",
    good: { [runs]: { ageSeconds: 6 * hour - 60 } },
    bad: { [runs]: { ageSeconds: 6 * hour + 60 } },
    labels: { ...placed, node: "pve1" },
    says: "Node pve1 has worked on one run of backups for 6h 1m 0s: the next one waits for it.",
    shows: "6h 1m 0s",
  },
]);
