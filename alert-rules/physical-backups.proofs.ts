import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const host = 'job="node",instance="proj-pg01",cluster="pg01"';
const placed = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const inRepository = { cluster: "pg01", repository: "1" };
const backup = (type: string) =>
  `dbkeeper_wal_last_backup_timestamp_seconds{${host},repository="1",type="${type}"}`;
const oldest = `dbkeeper_wal_oldest_backup_timestamp_seconds{${host},repository="1"}`;
const passed = `dbkeeper_wal_last_passing_drill_timestamp_seconds{${host},repository="1"}`;
const drill = (verdict: string) => `dbkeeper_wal_last_drill_timestamp_seconds{${host},verdict="${verdict}"}`;
const hour = 3600;
const day = 24 * hour;

const healthy = { [backup("full")]: { ageSeconds: day }, [backup("incr")]: { ageSeconds: hour } };

function objective(alert: string, figure: "rto" | "rpo", says: string): Proofs[number] {
  return {
    alert,
    severity: "warning",
    good: {
      [`dbkeeper_wal_drill_${figure}_seconds{${host}}`]: 14_395,
      [`dbkeeper_wal_drill_${figure}_objective_seconds{${host}}`]: 14_400,
    },
    bad: { [`dbkeeper_wal_drill_${figure}_seconds{${host}}`]: 14_405 },
    labels: placed,
    says,
    shows: "5s too much",
  };
}

export const physicalBackupsProofs: Proofs = onTopOf(healthy, [
  {
    alert: "PhysicalBackupTooOld",
    severity: "warning",
    good: { [backup("full")]: { ageSeconds: 7 * day }, [backup("incr")]: { ageSeconds: 28 * hour - 60 } },
    bad: { [backup("incr")]: { ageSeconds: 28 * hour + 60 } },
    labels: inRepository,
    says: "The newest physical backup of cluster pg01 in repository 1 is 1d 4h 1m 0s old: recovery has all of the log since then to replay.",
    shows: "1d 4h 1m 0s",
  },
  {
    alert: "PhysicalBackupTooOld",
    severity: "critical",
    good: { [backup("full")]: { ageSeconds: 7 * day }, [backup("incr")]: { ageSeconds: hour } },
    bad: { [backup("incr")]: { ageSeconds: 52 * hour + 60 } },
    labels: inRepository,
    says: "The newest physical backup of cluster pg01 in repository 1 is 2d 4h 1m 0s old: recovery has all of the log since then to replay.",
    shows: "2d 4h 1m 0s",
    also: ["PhysicalBackupTooOld warning"],
  },
  {
    alert: "FullPhysicalBackupTooOld",
    severity: "warning",
    good: { [backup("full")]: { ageSeconds: 8 * day - 60 } },
    bad: { [backup("full")]: { ageSeconds: 8 * day + 60 } },
    labels: inRepository,
    says: "The newest full backup of cluster pg01 in repository 1 is 8d 0h 1m 0s old, and every other hangs on it.",
    shows: "8d 0h 1m 0s",
  },
  {
    alert: "PhysicalBackupUnknown",
    severity: "critical",
    stepMinutes: 5,
    good: {},
    bad: { [backup("full")]: "absent", [backup("incr")]: "absent" },
    labels: placed,
    says: "No physical backup of cluster pg01 is reported: there may be nothing to recover a moment from.",
  },
  {
    alert: "RestoreNeverDrilled",
    severity: "warning",
    stepMinutes: 5,
    good: { [oldest]: { ageSeconds: 9 * day - 60 } },
    bad: { [oldest]: { ageSeconds: 9 * day + 60 } },
    labels: { cluster: "pg01" },
    says: "Cluster pg01 has had physical backups for 9d 0h 1m 0s, and no restore drill has ever passed.",
    shows: "9d 0h 1m 0s",
    elsewhere: { [oldest]: { ageSeconds: 30 * day }, [passed]: { ageSeconds: 5 * day } },
  },
  {
    alert: "RestoreDrillTooOld",
    severity: "warning",
    stepMinutes: 5,
    good: { [passed]: { ageSeconds: 35 * day - 60 } },
    bad: { [passed]: { ageSeconds: 35 * day + 60 } },
    labels: inRepository,
    says: "Cluster pg01 was last restored from repository 1 with success 35d 0h 1m 0s ago.",
    shows: "35d 0h 1m 0s",
  },
  {
    alert: "RestoreDrillFailed",
    severity: "critical",
    good: { [drill("pass")]: { ageSeconds: hour } },
    bad: { [drill("pass")]: "absent", [drill("fail")]: { ageSeconds: 60 } },
    labels: { instance: "proj-pg01", cluster: "pg01", verdict: "fail" },
    says: "The last restore drill on proj-pg01 ended with the verdict fail: what was restored is not proven to be what was backed up.",
  },
  {
    alert: "RestoreDrillFailed",
    severity: "warning",
    good: { [drill("pass")]: { ageSeconds: hour } },
    bad: { [drill("pass")]: "absent", [drill("partial")]: { ageSeconds: 60 } },
    labels: { instance: "proj-pg01", cluster: "pg01", verdict: "partial" },
    says: "The last restore drill on proj-pg01 ended with the verdict partial: what was restored is not proven to be what was backed up.",
  },
  objective(
    "RecoveryTimeObjectiveMissed",
    "rto",
    "The last restore drill of cluster pg01 on proj-pg01 took 5s longer than the recovery time objective allows.",
  ),
  objective(
    "RecoveryPointObjectiveMissed",
    "rpo",
    "The last restore drill of cluster pg01 on proj-pg01 brought back rows that were 5s older than the recovery point objective allows.",
  ),
]);
