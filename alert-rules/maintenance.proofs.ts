import { selector } from "./rule.ts";
import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";
import type { Series, Values } from "./testing/series.ts";

const node = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const database = { ...node, database: "desi" };
const run = { ...node, command: "maintain" };
const GiB = 1024 ** 3;

const ended = (values: Values): Series => ({
  [selector("dbkeeper_last_run_timestamp_seconds", run)]: values,
});
const exitCode = selector("dbkeeper_last_run_exit_code", run);
const items = (outcome: string) =>
  selector("dbkeeper_maintain_items", { ...node, action: "reindex", outcome });
const bloat = (kind: string) =>
  selector("dbkeeper_maintain_bloat_bytes", { ...database, kind, method: "measured" });
const size = selector("dbkeeper_maintain_database_size_bytes", database);
const workers = selector("dbkeeper_observed_autovacuum_workers", node);
const workersMax = selector("dbkeeper_observed_autovacuum_workers_max", node);

export const maintenanceProofs: Proofs = [
  ...onTopOf(ended({ ageSeconds: 3600 }), [
    ...(["vacuumed", "analyzed"] as const).map((done) => ({
      alert: done === "vacuumed" ? "TablesNotVacuumed" : "TablesNotAnalyzed",
      severity: "warning" as const,
      good: { [selector(`dbkeeper_observed_un${done}_tables`, database)]: 0 },
      bad: { [selector(`dbkeeper_observed_un${done}_tables`, database)]: 3 },
      labels: database,
      says: `3 tables of desi on proj-pg01 have changed a lot and were not ${done} for more than a day: neither autovacuum nor the nightly maintenance came by.`,
      shows: "3 tables",
    })),
    {
      alert: "DeadRowsMany",
      severity: "warning",
      good: { [selector("dbkeeper_observed_dead_row_ratio", database)]: 0.4 },
      bad: { [selector("dbkeeper_observed_dead_row_ratio", database)]: 0.41 },
      labels: database,
      says: "41% of the rows of a table in desi on proj-pg01 are dead: each query reads them too.",
      shows: "41%",
    },
    {
      alert: "AutovacuumWorkersExhausted",
      severity: "warning",
      always: { [workersMax]: 3 },
      good: { [workers]: 2 },
      bad: { [workers]: 3 },
      labels: node,
      says: "Autovacuum on proj-pg01 has had no free worker for an hour: tables that are due wait for their turn.",
      shows: "100% busy",
    },
    {
      alert: "DatabaseBloated",
      severity: "warning",
      always: { [size]: 1.25 * GiB, [bloat("table")]: 0.25 * GiB },
      good: { [bloat("index")]: 0.12 * GiB },
      bad: { [bloat("index")]: 0.15 * GiB },
      labels: { instance: "proj-pg01", cluster: "pg01", database: "desi" },
      says: "32% of desi on proj-pg01 is room that nothing uses, in tables and indexes. Queries read it, backups do not.",
      shows: "32%",
      elsewhere: { [size]: 0.9 * GiB, [bloat("table")]: 0.8 * GiB },
    },
    {
      alert: "InvalidIndexes",
      severity: "warning",
      good: { [selector("dbkeeper_observed_invalid_indexes", database)]: 0 },
      bad: { [selector("dbkeeper_observed_invalid_indexes", database)]: 1 },
      labels: database,
      says: "1 indexes of desi on proj-pg01 were never finished: each write keeps them up to date, and no query uses them.",
      shows: "1 indexes",
    },
    {
      alert: "MaintenanceFailed",
      severity: "warning",
      good: { [exitCode]: 0 },
      bad: { [exitCode]: 8 },
      labels: run,
      says: "The last `dbkeeper maintain` on proj-pg01 ended with exit code 8; `dbkeeper --help` lists what they mean.",
      shows: "exit code 8",
    },
    {
      alert: "MaintenanceItemsFailed",
      severity: "warning",
      good: { [items("failed")]: 0, [items("not-permitted")]: 0, [items("locked")]: 5 },
      bad: { [items("failed")]: 1, [items("not-permitted")]: 1 },
      labels: { instance: "proj-pg01", cluster: "pg01", action: "reindex" },
      says: "The last maintenance on proj-pg01 could not reindex 2 tables or indexes: a right is missing, or they are damaged.",
      shows: "2 not done",
    },
  ]),
  {
    alert: "MaintenanceOverdue",
    severity: "warning",
    good: ended({ ageSeconds: 26 * 3600 }),
    bad: ended({ ageSeconds: 26 * 3600 + 60 }),
    labels: { cluster: "pg01" },
    says: "Cluster pg01 was last maintained 1d 2h 1m 0s ago; it should be every night.",
    shows: "1d 2h 1m 0s",
  },
  {
    alert: "MaintenanceUnknown",
    severity: "warning",
    stepMinutes: 5,
    good: ended({ ageSeconds: 3600 }),
    bad: ended("absent"),
    labels: { job: "node", cluster: "pg01", command: "maintain" },
    says: "Cluster pg01 was never maintained: does the timer on proj-pg01 run?",
  },
];
