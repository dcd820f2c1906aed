import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const seen = 'job="node",instance="proj-mon01"';
const inDaily = `${seen},datastore="lab-backups",namespace="daily",guest="proj-pg01"`;
const labels = {
  job: "node",
  instance: "proj-mon01",
  datastore: "lab-backups",
  namespace: "daily",
  guest: "proj-pg01",
};

const newest = `lab_pbs_snapshot_newest_timestamp_seconds{${inDaily}}`;
const failed = `lab_pbs_snapshots_failed{${inDaily}}`;
const verification = (state: string) => `lab_pbs_snapshot_newest_verification{${inDaily},state="${state}"}`;
const verified = `lab_pbs_snapshot_last_verification_timestamp_seconds{${inDaily}}`;
const encrypted = `lab_pbs_snapshot_newest_encrypted{${inDaily}}`;

const hour = 3600;
const day = 24 * hour;

export const snapshotsProofs: Proofs = onTopOf({ [newest]: { ageSeconds: hour } }, [
  {
    alert: "GuestBackupTooOld",
    severity: "critical",
    good: { [newest]: { ageSeconds: 26 * hour - 60 } },
    bad: { [newest]: { ageSeconds: 26 * hour + 60 } },
    labels: { guest: "proj-pg01" },
    says: "The newest backup of proj-pg01 on the backup server is 1d 2h 1m 0s old. Whatever is lost now costs so much.",
    shows: "1d 2h 1m 0s",
    elsewhere: {
      [newest]: { ageSeconds: 3 * day },
      [newest.replace("daily", "copies")]: { ageSeconds: hour },
    },
  },
  {
    alert: "GuestBackupUnknown",
    severity: "critical",
    stepMinutes: 60,
    good: { [newest]: { ageSeconds: hour } },
    bad: { [newest]: "absent" },
    labels: { job: "node", instance: "proj-mon01", guest: "proj-pg01" },
    says: "The backup server has no backup of proj-pg01, or nobody can ask it: for longer than one may be old.",
  },
  {
    alert: "GuestBackupDamaged",
    severity: "critical",
    good: { [failed]: 0 },
    bad: { [failed]: 1 },
    labels,
    says: "1 backups of proj-pg01 in datastore lab-backups are damaged and cannot be restored as a whole.",
    shows: "1 backups",
  },
  {
    alert: "GuestBackupNotVerified",
    severity: "warning",
    stepMinutes: 60,
    good: { [verification("none")]: 0, [verification("ok")]: 1 },
    bad: { [verification("none")]: 1, [verification("ok")]: 0 },
    labels: { ...labels, state: "none" },
    says: "Nobody has read the newest backup of proj-pg01 in datastore lab-backups again since it was made.",
  },
  {
    alert: "GuestVerificationTooOld",
    severity: "warning",
    stepMinutes: 5,
    good: { [verified]: { ageSeconds: 37 * day - 60 } },
    bad: { [verified]: { ageSeconds: 37 * day + 60 } },
    labels,
    says: "A backup of proj-pg01 in datastore lab-backups was last verified well 37d 0h 1m 0s ago.",
    shows: "37d 0h 1m 0s",
  },
  {
    alert: "GuestBackupNotEncrypted",
    severity: "warning",
    good: { [encrypted]: 1 },
    bad: { [encrypted]: 0 },
    labels,
    says: "Whoever can read datastore lab-backups can read all that proj-pg01 holds: its storage has lost the encryption key.",
  },
]);
