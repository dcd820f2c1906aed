import type { Figure } from "../limit.ts";

const used = "client connections, as a part of max_connections without those that are kept for superusers";
const limited = "connections of a database or a role, as a part of what it may have";

export const connectionsFigures = {
  connectionsUsedWarning: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 300,
    meaning: used,
    source: "M3 of the requirements: 80 %",
  },
  connectionsUsedCritical: {
    value: 0.95,
    unit: "ratio",
    forSeconds: 60,
    meaning: used,
    source: "M3 of the requirements: 95 %",
  },
  connectionLimitUsed: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 300,
    meaning: limited,
    source: "as for the server as a whole (M3 of the requirements)",
  },
  connectionsRefusedWarning: {
    value: 0,
    unit: "count",
    forSeconds: 0,
    meaning: "clients that were sent away within 5 min because there was no connection left for them",
    source: "each of them is a failed request of somebody",
  },
  connectionsRefusedCritical: {
    value: 10,
    unit: "count",
    forSeconds: 0,
    meaning: "clients that were sent away within 5 min because there was no connection left for them",
    source: "a pool that retries makes a few at once; more than that is an outage",
  },
  idleInTransaction: {
    value: 300,
    unit: "seconds",
    forSeconds: 60,
    meaning: "age of the longest transaction that its session has left open without doing anything",
    source: "holds its locks and keeps vacuum from its work; no program of the lab thinks for so long",
  },
  longTransaction: {
    value: 3600,
    unit: "seconds",
    forSeconds: 60,
    meaning: "age of the longest transaction",
    source: "B6 of the requirements: a full dump, the longest that is meant to be, takes less than 45 min",
  },
  lockWaitWarning: {
    value: 0.1,
    unit: "seconds",
    forSeconds: 300,
    meaning: "longest time that a session waits for a lock, seen once a minute",
    source: "M3 of the requirements: 100 ms",
  },
  lockWaitCritical: {
    value: 0.5,
    unit: "seconds",
    forSeconds: 300,
    meaning: "longest time that a session waits for a lock, seen once a minute",
    source:
      "M3 of the requirements: 500 ms; five looks in a row, as one wait is over before anybody is awake",
  },
  blockedSessionsWarning: {
    value: 5,
    unit: "count",
    forSeconds: 120,
    meaning: "sessions of a database that another one blocks",
    source: "chosen: a queue, no longer two programs that meet",
  },
  blockedSessionsCritical: {
    value: 20,
    unit: "count",
    forSeconds: 120,
    meaning: "sessions of a database that another one blocks",
    source: "chosen: a fifth of the usual 100 connections stands still, and soon the rest",
  },
} as const satisfies Readonly<Record<string, Figure>>;
