import type { Proof, Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

const server = 'job="postgres",instance="proj-pg01",cluster="pg01",datid="16384",datname="desi"';
const host = 'job="node",instance="proj-pg01",cluster="pg01",database="desi"';

/** Six hours of history, and what the baseline leaves out. */
const warmUpMinutes = 385;

const kind = (
  alert: string,
  signal: string,
  says: string,
): Pick<Proof, "alert" | "labels" | "says" | "warmUpMinutes"> => ({
  alert,
  labels: { instance: "proj-pg01", cluster: "pg01", signal },
  says,
  warmUpMinutes,
});

const latency = kind(
  "PostgresLatencyUnusual",
  "latency",
  "Statements on proj-pg01 take longer than they use to at any hour of the last day.",
);
const reads = kind(
  "PostgresBlockReadsUnusual",
  "block_reads",
  "proj-pg01 reads more blocks from outside shared buffers than it uses to.",
);
const throughput = kind(
  "PostgresThroughputUnusual",
  "throughput",
  "proj-pg01 commits far more or fewer transactions than it uses to: a program that runs wild, or one that cannot work.",
);

const duration = "dbkeeper_observed_statement_duration_seconds";
/** Statements that take so long on the mean. */
const taking = (seconds: number): Series => ({
  [`${duration}_count{${host}}`]: { perMinute: 60 },
  [`${duration}_sum{${host}}`]: { perMinute: 60 * seconds },
});
const reading = (perSecond: number): Series => ({
  [`pg_stat_database_blks_read{${server}}`]: { perMinute: 60 * perSecond },
});
const committing = (perSecond: number): Series => ({
  [`pg_stat_database_xact_commit{${server}}`]: { perMinute: 60 * perSecond },
});

export const anomaliesProofs: Proofs = [
  // A sixth more is beyond the quartiles and three deviations, and too little for the others.
  {
    ...latency,
    severity: "info",
    delayMinutes: 4,
    clearMinutes: 1,
    good: taking(0.02),
    bad: taking(0.0234),
    shows: "2 of 4 methods",
  },
  {
    ...latency,
    severity: "warning",
    delayMinutes: 1,
    clearMinutes: 2,
    good: taking(0.02),
    bad: taking(0.05),
    shows: "4 of 4 methods",
    also: ["PostgresLatencyUnusual info"],
  },
  {
    ...reads,
    severity: "info",
    delayMinutes: 4,
    clearMinutes: 1,
    good: reading(200),
    bad: reading(234),
    shows: "2 of 4 methods",
  },
  {
    ...reads,
    severity: "warning",
    delayMinutes: 1,
    clearMinutes: 2,
    good: reading(200),
    bad: reading(500),
    shows: "4 of 4 methods",
    also: ["PostgresBlockReadsUnusual info"],
  },
  {
    ...throughput,
    severity: "info",
    delayMinutes: 4,
    clearMinutes: 1,
    good: committing(20),
    bad: committing(23.4),
    shows: "2 of 4 methods",
  },
  {
    ...throughput,
    severity: "warning",
    delayMinutes: 1,
    clearMinutes: 2,
    good: committing(20),
    bad: committing(2),
    shows: "4 of 4 methods",
    also: ["PostgresThroughputUnusual info"],
  },
];
