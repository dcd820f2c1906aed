import type { Figure } from "../limit.ts";

const p95 = "95th percentile of how long the statements of a database take, over 5 min";
const cacheHit = "blocks that a database finds in shared buffers, of all that it reads";

export const performanceFigures = {
  queryLatencyWarning: {
    value: 0.1,
    unit: "seconds",
    forSeconds: 300,
    meaning: p95,
    source: "M3 of the requirements: 100 ms",
  },
  queryLatencyCritical: {
    value: 0.5,
    unit: "seconds",
    forSeconds: 300,
    meaning: p95,
    source: "M3 of the requirements: 500 ms",
  },
  statementFloor: {
    value: 0.1,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "statements of a database; with fewer, nothing is said of how long they take",
    source: "30 in 5 min: one slow one among 20 would be a 95th percentile by itself",
  },
  slowStatements: {
    value: 0.05,
    unit: "ratio",
    forSeconds: 300,
    meaning: "statements that the log calls slow (log_min_duration_statement, 500 ms), of all",
    source: "M3 of the requirements: with a twentieth of them above it, the 95th percentile is above 500 ms",
  },
  cacheHitWarning: {
    value: 0.9,
    unit: "ratio",
    forSeconds: 600,
    meaning: cacheHit,
    source: "M3 of the requirements: below 90 %, 10 min",
  },
  cacheHitCritical: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 600,
    meaning: cacheHit,
    source: "M3 of the requirements: below 80 %, 10 min",
  },
  blockFloor: {
    value: 100,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "blocks that a database reads; with fewer, nothing is said of where they are found",
    source: "chosen: 0.8 MiB/s; an idle database reads its catalogues now and then, and misses",
  },
  deadlocks: {
    value: 0,
    unit: "count",
    forSeconds: 0,
    meaning: "deadlocks in a database within 15 min",
    source: "M3 of the requirements: each of them has cost somebody a transaction",
  },
  rollbackRatio: {
    value: 0.1,
    unit: "ratio",
    forSeconds: 600,
    meaning: "transactions of a database that are rolled back, of all, over 10 min",
    source: "chosen: programs roll back a few of a hundred; a tenth is a program that fails",
  },
  transactionFloor: {
    value: 1,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "transactions of a database; with fewer, nothing is said of how they end",
    source: "chosen: 600 in the 10 min that are looked at",
  },
  temporaryBytes: {
    value: 10 * 1024 ** 2,
    unit: "bytesPerSecond",
    forSeconds: 900,
    meaning: "what a database writes to temporary files, over 10 min",
    source: "chosen: a tenth of what a SATA disk writes, taken from everybody else",
  },
  checkpointsRequested: {
    value: 0.2,
    unit: "perMinute",
    forSeconds: 900,
    meaning: "checkpoints of a primary that WAL asked for before their time, over 30 min",
    source: "one in the 5 min of checkpoint_timeout's default: hardly any is left to the clock",
  },
  statementsTimedOut: {
    value: 10,
    unit: "count",
    forSeconds: 0,
    meaning: "statements that statement_timeout or lock_timeout has ended within 15 min",
    source: "chosen: one now and then is what the timeout is for",
  },
} as const satisfies Readonly<Record<string, Figure>>;
