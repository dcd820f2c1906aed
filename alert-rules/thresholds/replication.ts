import type { Figure } from "../limit.ts";

const seen =
  "requirement M1, replication: two looks of a minute each, so that one that falls into a restart is none";

export const replicationFigures = {
  replicationLag: {
    value: 10,
    unit: "seconds",
    forSeconds: 120,
    meaning: "age of what a standby has replayed last",
    source: "M3 of the requirements; an older table there has 60 s, the stricter one counts",
  },
  replicationLagCritical: {
    value: 30,
    unit: "seconds",
    forSeconds: 120,
    meaning: "age of what a standby has replayed last",
    source: "M3 of the requirements; an older table there has 60 s, the stricter one counts",
  },
  replicationLagBytes: {
    value: 256 * 1024 ** 2,
    unit: "bytes",
    forSeconds: 300,
    meaning: "write-ahead log that a standby has not replayed yet, seen from its primary",
    source: "sixteen segments: some seconds of replay on the lab's disks",
  },
  replicationLagBytesCritical: {
    value: 1024 ** 3,
    unit: "bytes",
    forSeconds: 300,
    meaning: "write-ahead log that a standby has not replayed yet, seen from its primary",
    source: "a quarter of what a slot keeps by default, and PostgreSQL's own max_wal_size",
  },
  standbyNotStreaming: {
    value: 1,
    unit: "count",
    forSeconds: 120,
    meaning: "connections that stream to an expected standby",
    source: seen,
  },
  receiverNotStreaming: {
    value: 1,
    unit: "count",
    forSeconds: 120,
    meaning: "WAL receivers of a standby that stream",
    source: seen,
  },
  upstreamSilence: {
    value: 60,
    unit: "seconds",
    forSeconds: 60,
    meaning: "time since a standby has heard of its primary",
    source:
      "a primary without news says so every 30 s, and cuts a link without an answer after wal_sender_timeout, 60 s",
  },
  replayPaused: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "pauses of replay",
    source: "long enough to look something up on a standby that stands still",
  },
  slotInactive: {
    value: 1,
    unit: "count",
    forSeconds: 600,
    meaning: "users of a replication slot",
    source: "a standby's restart with crash recovery takes some minutes",
  },
  slotRetained: {
    value: 2 * 1024 ** 3,
    unit: "bytes",
    forSeconds: 600,
    meaning: "write-ahead log that a primary keeps for a slot",
    source: "half of what a slot may keep by default in this lab (slotKeepMib)",
  },
  slotSafe: {
    value: 0.25,
    unit: "ratio",
    forSeconds: 60,
    meaning: "of what a slot may keep, the part that is left before its standby must be copied anew",
    source: "M13 of the requirements: act at three quarters",
  },
  primaries: {
    value: 1,
    unit: "count",
    forSeconds: 60,
    meaning: "servers of a cluster that take writes",
    source: "R1 of the requirements: a second one makes two histories, of which one is lost",
  },
  recoveryConflicts: {
    value: 5,
    unit: "count",
    forSeconds: 300,
    meaning: "queries on a standby that replay has ended in a quarter of an hour",
    source: "one now and then is the price of reading from a standby",
  },
} as const satisfies Readonly<Record<string, Figure>>;
