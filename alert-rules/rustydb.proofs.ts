import type { Proof, Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

const target = 'job="rustydb",instance="proj-rdb01"';
const where = { job: "rustydb", instance: "proj-rdb01" };
const metric = (name: string) => `rustydb_${name}{${target}}`;

/** So much a minute, of which these parts take no longer than 10, 100 and 500 ms. */
function histogram(name: string, perMinute: number, within: readonly [number, number, number]): Series {
  const bucket = (le: string, part: number) => ({
    [`rustydb_${name}_bucket{${target},le="${le}"}`]: { perMinute: perMinute * part },
  });
  return {
    ...bucket("10", within[0]),
    ...bucket("100", within[1]),
    ...bucket("500", within[2]),
    ...bucket("1000", 1),
    ...bucket("+Inf", 1),
    [`rustydb_${name}_count{${target}}`]: { perMinute },
  };
}

const latency = {
  alert: "RustyDbQueryLatencyHigh",
  labels: { instance: "proj-rdb01" },
  says: "One query of twenty of RustyDB on proj-rdb01 takes longer than it may.",
  delayMinutes: 1,
  clearMinutes: 4,
} as const;

const disk = (kind: "read" | "write"): Proof => ({
  alert: kind === "read" ? "RustyDbDiskReadsSlow" : "RustyDbDiskWritesSlow",
  severity: "warning",
  good: histogram(`disk_${kind}_latency_ms`, 90, [0.96, 1, 1]),
  bad: histogram(`disk_${kind}_latency_ms`, 90, [0.5, 1, 1]),
  elsewhere: histogram(`disk_${kind}_latency_ms`, 30, [0.5, 1, 1]),
  labels: { instance: "proj-rdb01" },
  says: `One ${kind} of twenty of RustyDB on proj-rdb01 waits for the disk longer than it may.`,
  shows: "91ms",
  delayMinutes: 1,
  clearMinutes: 4,
});

const pool = (hits: number, misses: number): Series => ({
  [metric("buffer_pool_hits")]: { perMinute: hits },
  [metric("buffer_pool_misses")]: { perMinute: misses },
});

export const rustydbProofs: Proofs = [
  {
    alert: "RustyDbDown",
    severity: "critical",
    good: { [`up{${target}}`]: 1 },
    bad: { [`up{${target}}`]: 0 },
    labels: where,
    says: "RustyDB on proj-rdb01 does not answer Prometheus: it is off, or hung.",
  },
  {
    alert: "RustyDbHighCPUUsage",
    severity: "warning",
    good: { [metric("cpu_usage_percent")]: 80 },
    bad: { [metric("cpu_usage_percent")]: 81 },
    labels: where,
    says: "RustyDB on proj-rdb01 computes all the time: see which queries run.",
    shows: "81%",
  },
  {
    alert: "RustyDbHighMemoryUsage",
    severity: "critical",
    always: { [metric("buffer_pool_size_bytes")]: 1000 },
    good: { [metric("buffer_pool_used_bytes")]: 900 },
    bad: { [metric("buffer_pool_used_bytes")]: 910 },
    labels: where,
    says: "RustyDB on proj-rdb01 has used most of its buffer pool: soon it reads from the disk what it has just thrown away.",
    shows: "91%",
  },
  {
    alert: "RustyDbLowCacheHitRatio",
    severity: "warning",
    always: pool(6000, 1500),
    good: { [metric("buffer_pool_hit_ratio")]: 0.8 },
    bad: { [metric("buffer_pool_hit_ratio")]: 0.79 },
    elsewhere: { ...pool(4000, 1500), [metric("buffer_pool_hit_ratio")]: 0.5 },
    labels: where,
    says: "RustyDB on proj-rdb01 reads much from the disk: a query that scans a large table, or a pool that is too small.",
    shows: "79%",
  },
  {
    alert: "RustyDbReplicationLag",
    severity: "critical",
    good: { [metric("replication_lag_seconds")]: 30 },
    bad: { [metric("replication_lag_seconds")]: 31 },
    labels: where,
    says: "The replica proj-rdb01 of RustyDB is behind: a failover now loses this.",
    shows: "31s",
  },
  {
    alert: "RustyDbReplicationBacklog",
    severity: "warning",
    good: { [metric("replication_lag_bytes")]: 256 * 1024 ** 2 },
    bad: { [metric("replication_lag_bytes")]: 257 * 1024 ** 2 },
    labels: where,
    says: "The replica proj-rdb01 of RustyDB has not received much of what was written, whatever its clock says.",
    shows: "257MiB",
  },
  {
    alert: "RustyDbQueryErrors",
    severity: "warning",
    always: { [metric("queries_total")]: { perMinute: 60 } },
    good: { [metric("queries_errors")]: { perMinute: 0.5 } },
    bad: { [metric("queries_errors")]: { perMinute: 6 } },
    elsewhere: {
      [metric("queries_total")]: { perMinute: 3 },
      [metric("queries_errors")]: { perMinute: 3 },
    },
    labels: where,
    says: "A part of the queries of RustyDB on proj-rdb01 ends with an error.",
    shows: "10%",
    delayMinutes: 1,
    clearMinutes: 4,
  },
  {
    alert: "RustyDbRollbackRatioHigh",
    severity: "warning",
    always: { [`rustydb_transactions_total{${target},status="committed"}`]: { perMinute: 30 } },
    good: { [`rustydb_transactions_total{${target},status="rolled_back"}`]: { perMinute: 3 } },
    bad: { [`rustydb_transactions_total{${target},status="rolled_back"}`]: { perMinute: 30 } },
    elsewhere: {
      [`rustydb_transactions_total{${target},status="committed"}`]: { perMinute: 2 },
      [`rustydb_transactions_total{${target},status="rolled_back"}`]: { perMinute: 2 },
    },
    warmUpMinutes: 15,
    labels: { instance: "proj-rdb01" },
    says: "A large part of the transactions of RustyDB on proj-rdb01 ends without effect.",
    shows: "50%",
    delayMinutes: 1,
    clearMinutes: 9,
  },
  {
    ...latency,
    severity: "warning",
    good: histogram("query_duration_ms", 12, [0.5, 0.96, 1]),
    bad: histogram("query_duration_ms", 12, [0.5, 0.9, 1]),
    elsewhere: histogram("query_duration_ms", 3, [0.5, 0.9, 1]),
    shows: "300ms",
  },
  {
    ...latency,
    severity: "critical",
    good: histogram("query_duration_ms", 12, [0.5, 0.96, 1]),
    bad: histogram("query_duration_ms", 12, [0.1, 0.2, 0.5]),
    elsewhere: histogram("query_duration_ms", 3, [0.1, 0.2, 0.5]),
    also: ["RustyDbQueryLatencyHigh warning"],
    shows: "950ms",
  },
  disk("read"),
  disk("write"),
  {
    alert: "RustyDbPoolExhausted",
    severity: "warning",
    good: { [metric("connections_active")]: 95, [metric("connections_idle")]: 5 },
    bad: { [metric("connections_active")]: 96, [metric("connections_idle")]: 4 },
    labels: where,
    says: "Nearly all connections of RustyDB's pool on proj-rdb01 are in use.",
    shows: "96%",
  },
  {
    alert: "RustyDbPoolQueue",
    severity: "warning",
    good: { [metric("connection_wait_queue_depth")]: 5 },
    bad: { [metric("connection_wait_queue_depth")]: 6 },
    labels: where,
    says: "Clients of RustyDB on proj-rdb01 queue up for a connection of its pool.",
    shows: "6 clients",
  },
  {
    alert: "RustyDbPoolTimeouts",
    severity: "warning",
    good: { [metric("connection_timeouts_total")]: { perMinute: 0 } },
    bad: { [metric("connection_timeouts_total")]: { perMinute: 1 } },
    labels: where,
    says: "Clients of RustyDB on proj-rdb01 have waited for a connection in vain.",
    shows: "1 within 5 min",
    delayMinutes: 1,
    clearMinutes: 4,
  },
];
