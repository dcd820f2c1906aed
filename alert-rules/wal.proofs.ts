import { selector } from "./rule.ts";
import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

const node = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const server = { job: "postgres", instance: "proj-pg01", cluster: "pg01" };
const settings = { ...server, server: "/var/run/postgresql:5432" };
const GiB = 1024 ** 3;

/** Without it the archive is unknown. */
const known: Series = { [selector("dbkeeper_wal_ready_segments", node)]: 2 };

const size = selector("pg_wal_size_bytes", server);
const failures = selector("pg_stat_archiver_failed_count", settings);
const logged = selector("dbkeeper_log_events_total", { ...node, kind: "archive_failed" });
const age = selector("pg_stat_archiver_last_archive_age", settings);
const waits = selector("dbkeeper_wal_archive_lag_seconds", node);
const missing = (name: string) =>
  selector("dbkeeper_wal_missing_segments", { ...node, class: name, repository: "1" });
const check = { ...node, command: "wal check" };

const directory: Proofs = [
  {
    alert: "WalDirectoryLarge",
    severity: "warning",
    always: {
      [selector("pg_settings_max_wal_size_bytes", settings)]: GiB,
      [selector("pg_settings_wal_keep_size_bytes", settings)]: GiB,
    },
    good: { [size]: 2.9 * GiB },
    bad: { [size]: 3.1 * GiB },
    labels: server,
    says: "pg_wal on proj-pg01 has 155% of the size that it is set to: a slot, the archive or a checkpoint holds it. When its disk is full the server stops.",
    shows: "155%",
  },
  {
    alert: "WalDirectoryLarge",
    severity: "critical",
    always: {
      [selector("pg_settings_max_wal_size_bytes", settings)]: GiB,
      [selector("pg_settings_wal_keep_size_bytes", settings)]: GiB,
    },
    good: { [size]: 2 * GiB },
    bad: { [size]: 6.1 * GiB },
    labels: server,
    says: "pg_wal on proj-pg01 has 305% of the size that it is set to: a slot, the archive or a checkpoint holds it. When its disk is full the server stops.",
    shows: "305%",
    also: ["WalDirectoryLarge warning"],
  },
];

const archive: Proofs = [
  {
    alert: "WalArchiveFailing",
    severity: "warning",
    warmUpMinutes: 20,
    good: { [failures]: 0 },
    bad: { [failures]: 1 },
    clearMinutes: 7,
    labels: settings,
    says: "archive_command on proj-pg01 has failed 1 times within ten minutes. PostgreSQL tries again and keeps the log meanwhile.",
    shows: "1 failures",
  },
  {
    alert: "WalArchiveFailing",
    severity: "warning",
    warmUpMinutes: 20,
    good: { [logged]: 0 },
    bad: { [logged]: 1 },
    clearMinutes: 7,
    labels: { ...node, kind: "archive_failed" },
    says: "archive_command on proj-pg01 has failed 1 times within ten minutes. PostgreSQL tries again and keeps the log meanwhile.",
    shows: "1 failures",
  },
  {
    alert: "WalArchiveDelayed",
    severity: "critical",
    good: { [waits]: 900 },
    bad: { [waits]: 960 },
    labels: node,
    says: "proj-pg01 has write-ahead log that has waited 16m 0s for the archive. If the server is lost now, so is all that was written since.",
    shows: "16m 0s",
    // An idle server archives nothing for long.
    elsewhere: { [age]: 100_000, [failures]: 5 },
  },
  {
    alert: "WalArchiveDelayed",
    severity: "critical",
    warmUpMinutes: 20,
    always: { [waits]: 0 },
    good: { [age]: 900, [failures]: 0 },
    bad: { [age]: 960, [failures]: { perMinute: 1 } },
    delayMinutes: 1,
    labels: settings,
    says: "proj-pg01 has write-ahead log that has waited 16m 0s for the archive. If the server is lost now, so is all that was written since.",
    shows: "16m 0s",
    also: ["WalArchiveFailing warning"],
  },
  {
    alert: "WalArchiverBad",
    severity: "critical",
    good: { [selector("dbkeeper_wal_archiver_good", node)]: 1 },
    bad: { [selector("dbkeeper_wal_archiver_good", node)]: 0 },
    labels: node,
    says: "The last check of the archive on proj-pg01 found that segments do not arrive, whatever the server counts: `dbkeeper wal check` says why.",
    shows: "not good",
  },
  {
    alert: "WalSegmentsWaiting",
    severity: "warning",
    good: { [selector("dbkeeper_wal_ready_segments", node)]: 64 },
    bad: { [selector("dbkeeper_wal_ready_segments", node)]: 65 },
    labels: node,
    says: "On proj-pg01 65 segments wait for the archive: more is written than gets there.",
    shows: "65 segments",
  },
  {
    alert: "WalSegmentsLost",
    severity: "critical",
    always: { [missing("MISSING_DELAYED")]: 0 },
    good: { [missing("MISSING_LOST")]: 0 },
    bad: { [missing("MISSING_LOST")]: 2 },
    labels: { ...node, class: "MISSING_LOST", repository: "1" },
    says: "Repository 1 of proj-pg01 lacks 2 segments for good: recovery ends before them. Take a full backup now.",
    shows: "2 segments",
  },
  {
    alert: "WalSegmentsDelayed",
    severity: "warning",
    good: { [missing("MISSING_DELAYED")]: 0, [missing("MISSING_UPLOADING")]: 0 },
    bad: { [missing("MISSING_DELAYED")]: 1, [missing("MISSING_UPLOADING")]: 1 },
    labels: { instance: "proj-pg01", cluster: "pg01", repository: "1" },
    says: "Repository 1 of proj-pg01 has lacked 2 segments for an hour that should be on their way.",
    shows: "2 segments",
  },
];

const checks: Proofs = [
  {
    alert: "WalCheckFailing",
    severity: "warning",
    good: { [selector("dbkeeper_last_run_success", check)]: 1 },
    bad: { [selector("dbkeeper_last_run_success", check)]: 0 },
    labels: check,
    says: "`dbkeeper wal check` on proj-pg01 has found something that keeps the cluster from being recovered, or could not look.",
  },
  {
    alert: "WalCheckOverdue",
    severity: "warning",
    good: { [selector("dbkeeper_last_run_timestamp_seconds", check)]: { ageSeconds: 2700 } },
    bad: { [selector("dbkeeper_last_run_timestamp_seconds", check)]: { ageSeconds: 2760 } },
    labels: { cluster: "pg01" },
    says: "The archive of cluster pg01 was last checked 46m 0s ago: what its alerts look at is as old.",
    shows: "46m 0s",
  },
];

export const walProofs: Proofs = [
  ...onTopOf(known, [...directory, ...archive, ...checks]),
  {
    alert: "WalArchiveUnknown",
    severity: "critical",
    good: known,
    bad: { [selector("dbkeeper_wal_ready_segments", node)]: "absent" },
    labels: { job: "node", cluster: "pg01" },
    says: "Nobody has told how archiving goes in cluster pg01: was `dbkeeper wal setup` run on proj-pg01, and does its timer run?",
  },
];
