import type { Proof, Proofs } from "./testing/proof.ts";
import type { Course, Courses, Series, Values } from "./testing/series.ts";

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
const taking = (seconds: number, perSecond = 1): Series => ({
  [`${duration}_count{${host}}`]: { perMinute: 60 * perSecond },
  [`${duration}_sum{${host}}`]: { perMinute: 60 * perSecond * seconds },
});
const reading = (perSecond: number): Series => ({
  [`pg_stat_database_blks_read{${server}}`]: { perMinute: 60 * perSecond },
});
const committing = (perSecond: number): Series => ({
  [`pg_stat_database_xact_commit{${server}}`]: { perMinute: 60 * perSecond },
});

/** Usual for six hours, then another: on a server of its own, so that several can be looked at at once. */
const changing = (guest: string, [usual, now]: readonly [Series, Series]): Courses =>
  Object.fromEntries(
    Object.entries(usual).map(([name, values]): [string, Course] => [
      name.replace("proj-pg01", guest),
      {
        inTurn: [
          [warmUpMinutes, values],
          [0, now[name] ?? values],
        ],
      },
    ]),
  );

/** What a signal is known to have been, each for so many minutes. */
const signal = (guest: string, name: string, inTurn: readonly (readonly [number, Values])[]): Courses => ({
  [`instance:postgres_signal:value{instance="${guest}",cluster="pg01",signal="${name}"}`]: { inTurn },
});
/** Few statements, and a history of an hour and a half. */
const latencyElsewhere: Courses = {
  ...changing("proj-pg02", [taking(0.02, 0.3), taking(0.05, 0.3)]),
  ...signal("proj-pg03", "latency", [
    [warmUpMinutes - 90, "absent"],
    [90, 0.02],
    [0, 0.05],
  ]),
};

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
    elsewhere: latencyElsewhere,
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
    elsewhere: changing("proj-pg02", [reading(30), reading(80)]),
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
    elsewhere: changing("proj-pg02", [committing(2), committing(0.2)]),
    shows: "4 of 4 methods",
    also: ["PostgresThroughputUnusual info"],
  },
];
