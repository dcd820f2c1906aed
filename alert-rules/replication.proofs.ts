import { selector } from "./rule.ts";
import type { Proofs } from "./testing/proof.ts";
import type { Series, Values } from "./testing/series.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Labels of what dbkeeper and postgres_exporter say of the primary and of its standby. */
const node = (instance: string) => ({ job: "node", instance, cluster: "pg01" });
const server = (instance: string) => ({ job: "postgres", instance, cluster: "pg01" });
const [primary, standby] = ["proj-pg01", "proj-pg02"];

const of = (metric: string, labels: Readonly<Record<string, string>>, value: Values): Series => ({
  [selector(metric, labels)]: value,
});

const lag = selector("pg_replication_lag_seconds", server(standby));
const isStandby = {
  ...of("pg_replication_is_replica", server(primary), 0),
  ...of("pg_replication_is_replica", server(standby), 1),
};
const wasPromoted = of("pg_replication_is_replica", server(standby), 0);
const isPrimary = of("dbkeeper_observed_in_recovery", node(primary), 0);
const wasDemoted = of("dbkeeper_observed_in_recovery", node(primary), 1);
const streams = (value: Values) =>
  of("dbkeeper_observed_standby_streaming", { ...node(primary), standby }, value);
/** The primary as it should be, where another thing is looked at. */
const primaryIsWell = { ...isPrimary, ...streams(1) };
const standbyIsNot = { ...wasDemoted };

const behind = selector("dbkeeper_observed_standby_lag_bytes", {
  ...node(primary),
  standby,
  stage: "replay",
});
const slot = { ...node(primary), slot: "proj_pg02", type: "physical" };
const retained = selector("dbkeeper_observed_slot_retained_bytes", slot);
const safe = selector("dbkeeper_observed_slot_safe_wal_bytes", slot);

export const replicationProofs: Proofs = [
  {
    alert: "ReplicationLagHigh",
    severity: "warning",
    always: isStandby,
    good: { [lag]: 10 },
    bad: { [lag]: 11 },
    labels: server(standby),
    says: "proj-pg02 shows data that is 11s old. Is something long replayed, is a query in its way, or is its disk too slow?",
    shows: "11s",
    elsewhere: { [lag]: 100, ...wasPromoted },
  },
  {
    alert: "ReplicationLagHigh",
    severity: "critical",
    always: isStandby,
    good: { [lag]: 9 },
    bad: { [lag]: 31 },
    labels: server(standby),
    says: "proj-pg02 shows data that is 31s old. Is something long replayed, is a query in its way, or is its disk too slow?",
    shows: "31s",
    also: ["ReplicationLagHigh warning"],
    elsewhere: { [lag]: 100, ...wasPromoted },
  },
  {
    alert: "ReplicationLagBytesHigh",
    severity: "warning",
    always: primaryIsWell,
    good: { [behind]: 256 * MiB },
    bad: { [behind]: 257 * MiB },
    labels: { ...node(primary), standby, stage: "replay" },
    says: "Seen from proj-pg01, standby proj-pg02 has not replayed 257MiB of write-ahead log. After a failover that long it would have to catch up first.",
    shows: "257MiB",
    elsewhere: { [behind]: 100 * GiB, ...standbyIsNot },
  },
  {
    alert: "ReplicationLagBytesHigh",
    severity: "critical",
    always: primaryIsWell,
    good: { [behind]: 200 * MiB },
    bad: { [behind]: 1.25 * GiB },
    labels: { ...node(primary), standby, stage: "replay" },
    says: "Seen from proj-pg01, standby proj-pg02 has not replayed 1.25GiB of write-ahead log. After a failover that long it would have to catch up first.",
    shows: "1.25GiB",
    also: ["ReplicationLagBytesHigh warning"],
    elsewhere: { [behind]: 100 * GiB, ...standbyIsNot },
  },
  ...(["absent", 0] as const).map((bad) => ({
    alert: "StandbyNotStreaming",
    severity: "critical" as const,
    always: isPrimary,
    good: streams(1),
    bad: streams(bad),
    labels: { ...node(primary), standby },
    says: "proj-pg01 does not stream to proj-pg02: there is no standby to fail over to that has all data, and its slot makes the primary keep write-ahead log.",
    shows: "not streaming",
    elsewhere: { ...wasDemoted, ...streams(0) },
  })),
  {
    alert: "StandbyReceivesNothing",
    severity: "warning",
    good: of("dbkeeper_observed_receiver_streaming", node(standby), 1),
    bad: of("dbkeeper_observed_receiver_streaming", node(standby), 0),
    labels: node(standby),
    says: "The WAL receiver on proj-pg02 does not stream, whatever its lag says: it only knows what it got. Its log says why.",
    shows: "not streaming",
  },
  {
    alert: "StandbyHearsNothing",
    severity: "warning",
    good: of("dbkeeper_observed_receiver_last_message_age_seconds", node(standby), 60),
    bad: of("dbkeeper_observed_receiver_last_message_age_seconds", node(standby), 61),
    labels: node(standby),
    says: "proj-pg02 has heard nothing of its primary for 1m 1s, though it should every 30 s: the network between them is cut, or the primary hangs.",
    shows: "1m 1s",
  },
  {
    alert: "ReplayPaused",
    severity: "warning",
    good: of("dbkeeper_observed_replay_paused", node(standby), 0),
    bad: of("dbkeeper_observed_replay_paused", node(standby), 1),
    labels: node(standby),
    says: "proj-pg02 receives write-ahead log and does not replay it: its data grow old and its disk fills until somebody resumes it.",
    shows: "paused",
  },
  {
    alert: "RecoveryConflicts",
    severity: "warning",
    good: of(
      "dbkeeper_log_events_total",
      { ...node(standby), kind: "recovery_conflict" },
      { perMinute: 0.33 },
    ),
    bad: of("dbkeeper_log_events_total", { ...node(standby), kind: "recovery_conflict" }, { perMinute: 5 }),
    labels: { ...node(standby), kind: "recovery_conflict" },
    warmUpMinutes: 20,
    delayMinutes: 1,
    clearMinutes: 14,
    says: "proj-pg02 has ended 34.97 queries within a quarter of an hour because replay could not wait for them: those who read there see errors.",
    shows: "34.97 queries",
  },
  {
    alert: "ReplicationSlotInactive",
    severity: "warning",
    always: primaryIsWell,
    good: of("dbkeeper_observed_slot_active", slot, 1),
    bad: of("dbkeeper_observed_slot_active", slot, 0),
    labels: slot,
    says: "proj-pg01 keeps write-ahead log for the physical slot proj_pg02, which nobody reads. Bring its reader back, or drop the slot.",
    shows: "inactive",
    elsewhere: { ...of("dbkeeper_observed_slot_active", slot, 0), ...wasDemoted },
  },
  {
    alert: "ReplicationSlotRetainsWal",
    severity: "warning",
    always: primaryIsWell,
    good: { [retained]: 2 * GiB },
    bad: { [retained]: 2.5 * GiB },
    labels: slot,
    says: "proj-pg01 keeps 2.5GiB of write-ahead log for the physical slot proj_pg02: its reader is behind or gone.",
    shows: "2.5GiB",
    elsewhere: { [retained]: 100 * GiB, ...wasDemoted },
  },
  {
    alert: "ReplicationSlotNearLimit",
    severity: "critical",
    always: primaryIsWell,
    good: { [safe]: 0.25 * GiB, [retained]: 0.75 * GiB },
    bad: { [safe]: 0.24 * GiB, [retained]: 0.76 * GiB },
    labels: slot,
    says: "Of what proj-pg01 may keep for the physical slot proj_pg02, 24% are left. After that its reader has to be copied anew.",
    shows: "24% left",
    elsewhere: { [safe]: 0.1 * GiB, [retained]: 0.9 * GiB, ...wasDemoted },
    idle: { [safe]: GiB, [retained]: 0 },
  },
  ...["lost", "unreserved"].map((status) => ({
    alert: "ReplicationSlotLost",
    severity: "critical" as const,
    always: primaryIsWell,
    good: {
      ...of("dbkeeper_observed_slot_wal_status", { ...slot, status: "extended" }, 1),
      ...of("dbkeeper_observed_slot_wal_status", { ...slot, status }, 0),
    },
    bad: of("dbkeeper_observed_slot_wal_status", { ...slot, status }, 1),
    labels: { ...slot, status },
    says: "The physical slot proj_pg02 on proj-pg01 has lost write-ahead log or is about to at the next checkpoint: a standby that needs it has to be copied anew.",
    elsewhere: { ...of("dbkeeper_observed_slot_wal_status", { ...slot, status }, 1), ...wasDemoted },
  })),
  {
    alert: "ReplicationSlotLost",
    severity: "critical",
    always: primaryIsWell,
    good: of("dbkeeper_observed_slot_invalidated", slot, 0),
    bad: of("dbkeeper_observed_slot_invalidated", slot, 1),
    labels: slot,
    says: "The physical slot proj_pg02 on proj-pg01 has lost write-ahead log or is about to at the next checkpoint: a standby that needs it has to be copied anew.",
    elsewhere: { ...of("dbkeeper_observed_slot_invalidated", slot, 1), ...wasDemoted },
  },
  {
    alert: "TwoPrimaries",
    severity: "critical",
    good: isStandby,
    bad: wasPromoted,
    labels: { cluster: "pg01" },
    says: "2 servers of cluster pg01 are primaries: a standby was promoted while the old primary lives, and what is written to one is missing on the other. Fence one now.",
    shows: "2 primaries",
  },
  {
    alert: "ClusterWithoutPrimary",
    severity: "critical",
    good: isStandby,
    bad: of("pg_replication_is_replica", server(primary), 1),
    labels: { cluster: "pg01" },
    says: "Every server of cluster pg01 that answers is a standby: nothing can be written. Is the primary down, or was it made a standby?",
  },
];
