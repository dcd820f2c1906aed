import type { Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

const server = 'job="postgres",instance="proj-pg01",cluster="pg01"';
const host = 'job="node",instance="proj-pg01",cluster="pg01"';
const where = { instance: "proj-pg01", cluster: "pg01" };
const desi = `${server},datid="16384",datname="desi"`;
const inDesi = { job: "postgres", ...where, datid: "16384", datname: "desi" };
const replica = `pg_replication_is_replica{${server}}`;

/** So many statements a minute, of which these parts take no longer than 0.1, 0.5 and 1 s. */
function statements(perMinute: number, within: readonly [number, number, number]): Series {
  const bucket = (le: string, part: number) => ({
    [`dbkeeper_observed_statement_duration_seconds_bucket{${host},database="desi",le="${le}"}`]: {
      perMinute: perMinute * part,
    },
  });
  return {
    ...bucket("0.1", within[0]),
    ...bucket("0.5", within[1]),
    ...bucket("1", within[2]),
    ...bucket("+Inf", 1),
    [`dbkeeper_observed_statement_duration_seconds_count{${host},database="desi"}`]: { perMinute },
  };
}

const slow = {
  alert: "PostgresQueryLatencyHigh",
  labels: { ...where, database: "desi" },
  says: "In desi on proj-pg01 one statement of twenty takes longer than it may. Look for locks first, then for what the disks do, then for the statement that took most time.",
  delayMinutes: 1,
  clearMinutes: 4,
} as const;

/** Blocks a minute that are found in shared buffers, and that are not. */
const reads = (hit: number, read: number): Series => ({
  [`pg_stat_database_blks_hit{${desi}}`]: { perMinute: hit },
  [`pg_stat_database_blks_read{${desi}}`]: { perMinute: read },
});

/** The same in a copy that a dump is proven with. */
const inScratch = (series: Series): Series =>
  Object.fromEntries(
    Object.entries(series).map(([name, values]) => [
      name.replace('datname="desi"', 'datname="dbkeeper_scratch_0123456789abcdef"'),
      values,
    ]),
  );

const misses = {
  alert: "PostgresCacheHitRatioLow",
  labels: { ...where, datname: "desi" },
  delayMinutes: 1,
  clearMinutes: 4,
  says: "desi on proj-pg01 reads much from outside shared buffers: a statement that scans a large table, or shared_buffers that are too small for what is in use.",
} as const;

const slowStatements = `dbkeeper_log_events_total{${host},kind="slow_statement"}`;
const transactions = (commit: number, rollback: number): Series => ({
  [`pg_stat_database_xact_commit{${desi}}`]: { perMinute: commit },
  [`pg_stat_database_xact_rollback{${desi}}`]: { perMinute: rollback },
});
const mebibyte = 1024 ** 2;
const timeouts = `dbkeeper_log_events_total{${host},kind="statement_timeout"}`;

const frequent = {
  alert: "PostgresCheckpointsTooFrequent",
  severity: "warning",
  labels: { job: "postgres", ...where },
  warmUpMinutes: 40,
  delayMinutes: 1,
  clearMinutes: 29,
  says: "proj-pg01 writes so much WAL that max_wal_size is reached before checkpoint_timeout: each checkpoint writes all changed pages, and WAL grows by their full images. Raise max_wal_size, or see who writes.",
} as const;
const checkpoints = (metric: string) => ({
  always: { [replica]: 0 },
  good: { [`${metric}{${server}}`]: { perMinute: 0.19 } },
  bad: { [`${metric}{${server}}`]: { perMinute: 0.5 } },
  elsewhere: { [replica]: 1, [`${metric}{${server}}`]: { perMinute: 0.5 } },
});

export const performanceProofs: Proofs = [
  {
    ...slow,
    severity: "warning",
    good: statements(12, [0.96, 1, 1]),
    bad: statements(12, [0.9, 1, 1]),
    shows: "300ms",
    // Three statements a minute.
    elsewhere: statements(3, [0.9, 1, 1]),
  },
  {
    ...slow,
    severity: "critical",
    good: statements(12, [0.96, 1, 1]),
    bad: statements(12, [0.5, 0.5, 1]),
    also: ["PostgresQueryLatencyHigh warning"],
    shows: "950ms",
    elsewhere: statements(3, [0.5, 0.5, 1]),
  },
  {
    alert: "PostgresSlowStatements",
    severity: "warning",
    always: statements(40, [1, 1, 1]),
    good: { [slowStatements]: { perMinute: 1.9 } },
    bad: { [slowStatements]: { perMinute: 4 } },
    labels: where,
    says: "More than one statement of twenty on proj-pg01 takes longer than log_min_duration_statement. The log has each of them, with its text.",
    shows: "8.25%",
    warmUpMinutes: 15,
    delayMinutes: 1,
    clearMinutes: 9,
    elsewhere: { ...statements(3, [1, 1, 1]), [slowStatements]: { perMinute: 3 } },
  },
  {
    ...misses,
    severity: "warning",
    good: reads(9000, 990),
    bad: reads(9000, 2000),
    elsewhere: { ...reads(4000, 1500), ...inScratch(reads(9000, 9000)) },
    shows: "81.82%",
  },
  {
    ...misses,
    severity: "critical",
    good: reads(9000, 2000),
    bad: reads(9000, 4000),
    elsewhere: { ...reads(4000, 1500), ...inScratch(reads(9000, 9000)) },
    shows: "69.23%",
    also: ["PostgresCacheHitRatioLow warning"],
  },
  {
    alert: "PostgresDeadlocks",
    severity: "warning",
    good: { [`pg_stat_database_deadlocks{${desi}}`]: { perMinute: 0 } },
    bad: { [`pg_stat_database_deadlocks{${desi}}`]: { perMinute: 1 } },
    labels: inDesi,
    says: "In desi on proj-pg01 transactions waited for each other, and PostgreSQL has ended one of them. The log has the statements of both.",
    shows: "1 within 15 min",
    warmUpMinutes: 20,
    delayMinutes: 1,
    clearMinutes: 14,
  },
  {
    alert: "PostgresRollbackRatioHigh",
    severity: "warning",
    good: transactions(90, 9),
    bad: transactions(90, 30),
    labels: inDesi,
    says: "A large part of the transactions in desi on proj-pg01 ends without effect: a program that fails, or one that rolls back what it should commit. The log says with which errors.",
    shows: "25%",
    warmUpMinutes: 15,
    delayMinutes: 1,
    clearMinutes: 9,
    elsewhere: transactions(30, 10),
  },
  {
    alert: "PostgresTemporaryFilesHigh",
    severity: "warning",
    good: { [`pg_stat_database_temp_bytes{${desi}}`]: { perMinute: 9.9 * 60 * mebibyte } },
    bad: { [`pg_stat_database_temp_bytes{${desi}}`]: { perMinute: 20 * 60 * mebibyte } },
    labels: inDesi,
    says: "Statements in desi on proj-pg01 sort or join more than work_mem holds, and do it on the disk: they are slow, make others slow, and fill the disk for a while.",
    shows: "20MiB/s",
    warmUpMinutes: 15,
    delayMinutes: 1,
    clearMinutes: 9,
    idle: { [`pg_stat_database_temp_bytes{${desi}}`]: 0 },
  },
  { ...frequent, ...checkpoints("pg_stat_bgwriter_checkpoints_req_total"), shows: "0.4 a minute" },
  { ...frequent, ...checkpoints("pg_stat_checkpointer_num_requested_total"), shows: "0.4 a minute" },
  {
    alert: "PostgresStatementsTimedOut",
    severity: "warning",
    good: { [timeouts]: { perMinute: 0.6 } },
    bad: { [timeouts]: { perMinute: 5 } },
    labels: { job: "node", ...where, kind: "statement_timeout" },
    says: "On proj-pg01 statements are ended by their statement_timeout: what somebody asked for was not done. The log has the statements.",
    shows: "14 within 15 min",
    warmUpMinutes: 20,
    delayMinutes: 1,
    clearMinutes: 14,
  },
];
