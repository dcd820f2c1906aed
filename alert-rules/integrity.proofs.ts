import { selector } from "./rule.ts";
import type { Proof, Proofs } from "./testing/proof.ts";

const node = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const database = { ...node, database: "desi" };
const failed = selector("dbkeeper_observed_checksum_last_failure_timestamp_seconds", database);
const checksums = selector("dbkeeper_observed_data_checksums", node);
const mismatch = selector("dbkeeper_observed_collation_mismatch", database);
const outdated = selector("dbkeeper_observed_outdated_collations", database);

function logged(alert: string, kind: string, says: string, severity: Proof["severity"] = "critical"): Proof {
  const labels = { ...node, kind };
  const lines = selector("dbkeeper_log_events_total", labels);
  return {
    alert,
    severity,
    warmUpMinutes: 20,
    good: { [lines]: 0 },
    bad: { [lines]: 1 },
    clearMinutes: 12,
    labels,
    says,
    shows: "1 lines of the log",
  };
}

export const integrityProofs: Proofs = [
  {
    alert: "ChecksumFailure",
    severity: "critical",
    good: { [failed]: { ageSeconds: 86_400 } },
    bad: { [failed]: { ageSeconds: 82_800 } },
    labels: database,
    says: "PostgreSQL on proj-pg01 read a page of desi with a wrong checksum 23h 0m 0s ago: disk, memory or storage changed what was written. Keep all backups.",
    shows: "23h 0m 0s ago",
  },
  {
    alert: "DataChecksumsOff",
    severity: "warning",
    good: { [checksums]: 1 },
    bad: { [checksums]: 0 },
    labels: node,
    says: "PostgreSQL on proj-pg01 would not notice when its disk changes a page.",
    shows: "off",
  },
  logged(
    "DataCorruptionLogged",
    "corruption",
    "The log of proj-pg01 tells of damaged data or a damaged index (XX001, XX002). Keep all backups, and find out what is affected.",
  ),
  logged(
    "PostgresPanicked",
    "panic",
    "The server on proj-pg01 could not go on without risking its data and stopped. Its log says why; a full disk is the usual reason.",
  ),
  logged(
    "PostgresCrashed",
    "crash",
    "A server process on proj-pg01 has crashed or was killed; the server has thrown out all sessions and recovered.",
  ),
  logged(
    "PostgresIoError",
    "io_error",
    "The server on proj-pg01 gets I/O errors (58030): its disk or file system fails. Fail over before it gets worse.",
  ),
  logged("PostgresDiskFull", "disk_full", "Statements on proj-pg01 fail because a disk is full (53100)."),
  logged(
    "PostgresOutOfMemory",
    "out_of_memory",
    "Statements on proj-pg01 fail because there is no memory left (53200).",
    "warning",
  ),
  {
    alert: "CollationMismatch",
    severity: "warning",
    good: { [mismatch]: 0 },
    bad: { [mismatch]: 1 },
    labels: database,
    says: "The operating system of proj-pg01 sorts text differently than when desi was made: indexes on text may miss rows and allow duplicates until they are rebuilt.",
    shows: "another version",
  },
  {
    alert: "CollationsOutdated",
    severity: "warning",
    good: { [outdated]: 0 },
    bad: { [outdated]: 2 },
    labels: database,
    says: "2 collations that desi on proj-pg01 uses have another version than its objects were built with: rebuild the indexes that depend on them.",
    shows: "2 collations",
  },
];
