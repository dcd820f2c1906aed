import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const host = 'job="node",instance="proj-pg01",cluster="pg01"';
const desi = `${host},database="desi"`;
const placed = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const ofDesi = { ...placed, database: "desi" };

const validated = `dbkeeper_last_validated_timestamp_seconds{${desi}}`;
const dumped = `dbkeeper_last_success_timestamp_seconds{${desi}}`;
const sent = `dbkeeper_last_offsite_timestamp_seconds{${desi}}`;
const lag = `dbkeeper_offsite_lag_seconds{${desi}}`;
const size = `dbkeeper_dump_size_bytes{${desi}}`;
const free = `dbkeeper_backup_directory_free_bytes{${host}}`;
const total = `dbkeeper_backup_directory_size_bytes{${host}}`;
const runs = (state: string) => `dbkeeper_kept_runs{${host},state="${state}"}`;

const lastDay = { ageSeconds: 3600 };
const hour = 3600;
const gib = 1024 ** 3;

export const backupProofs: Proofs = onTopOf({ [validated]: lastDay }, [
  {
    alert: "DatabaseBackupTooOld",
    severity: "critical",
    good: { [validated]: { ageSeconds: 26 * hour - 60 } },
    bad: { [validated]: { ageSeconds: 26 * hour + 60 } },
    labels: { cluster: "pg01", database: "desi" },
    says: "The newest dump of desi on cluster pg01 that was proven by a restore is 1d 2h 1m 0s old. Whatever is lost now costs so much.",
    shows: "1d 2h 1m 0s",
    // A host that is the primary no longer reports its old dumps for ever.
    elsewhere: {
      [validated]: { ageSeconds: 30 * hour },
      [validated.replace("proj-pg01", "proj-pg02")]: lastDay,
    },
  },
  {
    alert: "DatabaseBackupUnknown",
    severity: "critical",
    stepMinutes: 5,
    good: { [validated]: lastDay },
    bad: { [validated]: "absent" },
    labels: ofDesi,
    says: "No dump of desi on cluster pg01 that was proven by a restore is reported.",
  },
  {
    alert: "OffsiteCopyMissing",
    severity: "warning",
    stepMinutes: 60,
    good: { [dumped]: 5, [sent]: 5 },
    bad: { [sent]: "absent" },
    labels: { cluster: "pg01", database: "desi" },
    says: "Dumps of desi on cluster pg01 exist, but none was ever copied to the archive: they would be lost with the site.",
  },
  {
    alert: "NoProvenBackupKept",
    severity: "critical",
    stepMinutes: 5,
    good: { [runs("proven")]: 1 },
    bad: { [runs("proven")]: 0 },
    labels: { cluster: "pg01" },
    says: "No run of dumps of cluster pg01 that is kept on its host was proven by a restore.",
  },
  {
    alert: "DatabaseDumpNotProven",
    severity: "warning",
    stepMinutes: 5,
    good: { [validated]: lastDay, [dumped]: lastDay },
    bad: { [dumped]: { ageSeconds: hour - 5 } },
    labels: { cluster: "pg01", database: "desi" },
    says: "The newest dump of desi on cluster pg01 was not restored, or did not come out equal; the newest that did is 5s older.",
    shows: "5s",
  },
  {
    alert: "UnprovenBackupsKept",
    severity: "warning",
    stepMinutes: 5,
    good: { [runs("proven")]: 7, [runs("unproven")]: 0 },
    bad: { [runs("unproven")]: 1 },
    labels: { instance: "proj-pg01", cluster: "pg01" },
    says: "Only 87.5% of the runs of dumps that proj-pg01 keeps were proven by restoring them; all should be.",
    shows: "87.5%",
  },
  {
    alert: "BackupRunUnreadable",
    severity: "warning",
    good: { [runs("unreadable")]: 0 },
    bad: { [runs("unreadable")]: 1 },
    labels: { ...placed, state: "unreadable" },
    says: "1 of the runs of dumps on proj-pg01 have a manifest that cannot be read: nothing can be restored from them.",
    shows: "1 runs",
  },
  {
    alert: "DatabaseDumpShrank",
    severity: "warning",
    always: { [size.replace("desi", "other")]: 2_000_000 },
    good: { [size]: 2_000_000 },
    bad: { [size]: 980_000 },
    labels: ofDesi,
    says: "The newest dump of desi on proj-pg01 has 49% of the size of this week's largest: were rows deleted by mistake?",
    shows: "49%",
    elsewhere: { [size]: { cycle: [1_000_000, ...Array<number>(60).fill(200_000)] } },
  },
  {
    alert: "DatabaseDumpShrank",
    severity: "warning",
    good: { [size]: { cycle: [2_000_000, ...Array<number>(60).fill(1_020_000)] } },
    bad: { [size]: 980_000 },
    labels: ofDesi,
    says: "The newest dump of desi on proj-pg01 has 49% of the size of this week's largest: were rows deleted by mistake?",
    shows: "49%",
  },
  {
    alert: "OffsiteCopyLags",
    severity: "warning",
    good: { [sent]: { ageSeconds: 38 * hour - 60 }, [lag]: 5 },
    bad: { [sent]: { ageSeconds: 38 * hour + 60 } },
    labels: ofDesi,
    says: "The newest copy of desi off-site is 1d 14h 1m 0s old, though proj-pg01 has a newer dump: that much would be lost with the site.",
    shows: "1d 14h 1m 0s",
    // Nothing new to copy: that is another alert.
    elsewhere: { [sent]: { ageSeconds: 80 * hour }, [lag]: 0 },
  },
  {
    alert: "OffsiteCopyLags",
    severity: "critical",
    good: { [sent]: { ageSeconds: hour }, [lag]: 5 },
    bad: { [sent]: { ageSeconds: 62 * hour + 60 } },
    labels: ofDesi,
    says: "The newest copy of desi off-site is 2d 14h 1m 0s old, though proj-pg01 has a newer dump: that much would be lost with the site.",
    shows: "2d 14h 1m 0s",
    also: ["OffsiteCopyLags warning"],
    elsewhere: { [sent]: { ageSeconds: 80 * hour }, [lag]: 0 },
  },
  {
    alert: "BackupDirectoryFillsUp",
    severity: "warning",
    good: { [total]: 1000 * gib, [free]: 260 * gib },
    bad: { [free]: 240 * gib },
    labels: placed,
    says: "76% of the file system of dumps and physical backups on proj-pg01 are used. When it is full, there are no new backups.",
    shows: "76%",
  },
  {
    alert: "BackupDirectoryFillsUp",
    severity: "critical",
    good: { [total]: 1000 * gib, [free]: 300 * gib },
    bad: { [free]: 140 * gib },
    labels: placed,
    says: "86% of the file system of dumps and physical backups on proj-pg01 are used. When it is full, there are no new backups.",
    shows: "86%",
    also: ["BackupDirectoryFillsUp warning"],
  },
  {
    alert: "NextDumpHasNoRoom",
    severity: "critical",
    good: { [size]: 20 * gib, [free]: 25.5 * gib },
    bad: { [free]: 24.5 * gib },
    labels: { instance: "proj-pg01", cluster: "pg01" },
    says: "A run as large as the newest would leave 4.5GiB free on proj-pg01: dbkeeper will refuse it.",
    shows: "4.5GiB",
  },
  {
    alert: "ArchiveDamaged",
    severity: "critical",
    good: { [`dbkeeper_archive_problems{${host}}`]: 0 },
    bad: { [`dbkeeper_archive_problems{${host}}`]: 1 },
    labels: placed,
    says: "The last look at the archive of cluster pg01 from proj-pg01 found 1 objects that are missing or differ from what was sent.",
    shows: "1 objects",
  },
  {
    alert: "ArchiveNotVerified",
    severity: "warning",
    stepMinutes: 5,
    good: {
      [`dbkeeper_archive_last_verified_timestamp_seconds{${host}}`]: { ageSeconds: 35 * 24 * hour - 60 },
    },
    bad: {
      [`dbkeeper_archive_last_verified_timestamp_seconds{${host}}`]: { ageSeconds: 35 * 24 * hour + 60 },
    },
    labels: { cluster: "pg01" },
    says: "The archive of cluster pg01 was last found complete 35d 0h 1m 0s ago.",
    shows: "35d 0h 1m 0s",
  },
]);
