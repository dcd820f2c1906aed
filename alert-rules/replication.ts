import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { alert, type RuleGroup } from "./rule.ts";
import { tiers } from "./tiers.ts";

/**
 * Replication, from both ends: a standby whose link is cut counts itself up to date, because it has replayed all that
 * it ever got. So the primary is asked which of the expected standbys it streams to.
 */
export function replication(lab: Lab): RuleGroup {
  const clusters = lab.clusters.filter(({ standbys }) => standbys.length > 0);
  return {
    name: "replication",
    rules: [
      ...lag(lab),
      ...lagBytes(lab),
      ...clusters.flatMap((cluster) =>
        cluster.standbys.map((standby) => standbyNotStreaming(lab, cluster, standby)),
      ),
      receiverNotStreaming(lab),
      upstreamSilent(lab),
      replayPaused(lab),
      recoveryConflicts(lab),
      slotInactive(lab),
      slotRetains(lab),
      slotNearLimit(lab),
      slotLost(lab),
      ...(clusters.length > 0 ? [twoPrimaries(lab)] : []),
      noPrimary(lab),
    ],
  };
}

/** Of metrics that servers of both roles have, those of standbys. */
const onStandby = 'and on (instance) pg_replication_is_replica{job="postgres"} == 1';
const onPrimary = 'and on (instance) dbkeeper_observed_in_recovery{job="node"} == 0';

const lag = (lab: Lab) =>
  tiers(lab, { warning: "replicationLag", critical: "replicationLagCritical" }, (tier) =>
    alert({
      ...tier,
      name: "ReplicationLagHigh",
      expression: `pg_replication_lag_seconds{job="postgres"} > ${tier.limit.value} ${onStandby}`,
      area: "replication",
      summary: "A standby lags behind its primary.",
      description:
        "{{ $labels.instance }} shows data that is {{ $value | humanizeDuration }} old. Is something long replayed, is a query in its way, or is its disk too slow?",
      value: "{{ $value | humanizeDuration }}",
    }),
  );

const lagBytes = (lab: Lab) =>
  tiers(lab, { warning: "replicationLagBytes", critical: "replicationLagBytesCritical" }, (tier) =>
    alert({
      ...tier,
      name: "ReplicationLagBytesHigh",
      expression: `dbkeeper_observed_standby_lag_bytes{job="node",stage="replay"} > ${tier.limit.value} ${onPrimary}`,
      area: "replication",
      summary: "A standby has much left to replay.",
      description:
        "Seen from {{ $labels.instance }}, standby {{ $labels.standby }} has not replayed {{ $value | humanize1024 }}B of write-ahead log. After a failover that long it would have to catch up first.",
      value: "{{ $value | humanize1024 }}B",
    }),
  );

/** One for each expected standby, by the name it connects with; what cannot be looked at is another alert's. */
function standbyNotStreaming(lab: Lab, { primary }: WatchedCluster, standby: string) {
  const labels = `job="node",instance="${primary}"`;
  return alert({
    name: "StandbyNotStreaming",
    expression: `dbkeeper_observed_in_recovery{${labels}} == 0 unless on (instance) dbkeeper_observed_standby_streaming{${labels},standby="${standby}"} == 1`,
    limit: lab.limit("standbyNotStreaming"),
    severity: "critical",
    area: "replication",
    summary: "An expected standby does not stream from its primary.",
    // Templates see the labels of the expression only.
    description: `{{ $labels.instance }} does not stream to ${standby}: there is no standby to fail over to that has all data, and its slot makes the primary keep write-ahead log.`,
    value: "not streaming",
    labels: { standby },
  });
}

const receiverNotStreaming = (lab: Lab) =>
  alert({
    name: "StandbyReceivesNothing",
    expression: 'dbkeeper_observed_receiver_streaming{job="node"} == 0',
    limit: lab.limit("receiverNotStreaming"),
    severity: "warning",
    area: "replication",
    summary: "A standby receives no write-ahead log.",
    description:
      "The WAL receiver on {{ $labels.instance }} does not stream, whatever its lag says: it only knows what it got. Its log says why.",
    value: "not streaming",
  });

const upstreamSilent = (lab: Lab) => {
  const limit = lab.limit("upstreamSilence");
  return alert({
    name: "StandbyHearsNothing",
    expression: `dbkeeper_observed_receiver_last_message_age_seconds{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "replication",
    summary: "A standby has heard nothing of its primary for long.",
    description:
      "{{ $labels.instance }} has heard nothing of its primary for {{ $value | humanizeDuration }}, though it should every 30 s: the network between them is cut, or the primary hangs.",
    value: "{{ $value | humanizeDuration }}",
  });
};

const replayPaused = (lab: Lab) => {
  const limit = lab.limit("replayPaused");
  return alert({
    name: "ReplayPaused",
    expression: `dbkeeper_observed_replay_paused{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "replication",
    summary: "Somebody has paused replay on a standby.",
    description:
      "{{ $labels.instance }} receives write-ahead log and does not replay it: its data grow old and its disk fills until somebody resumes it.",
    value: "paused",
  });
};

const recoveryConflicts = (lab: Lab) => {
  const limit = lab.limit("recoveryConflicts");
  return alert({
    name: "RecoveryConflicts",
    expression: `increase(dbkeeper_log_events_total{job="node",kind="recovery_conflict"}[${observedWindow(lab, 900)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "replication",
    summary: "Replay ends queries on a standby.",
    description:
      "{{ $labels.instance }} has ended {{ $value | humanize }} queries within a quarter of an hour because replay could not wait for them: those who read there see errors.",
    value: "{{ $value | humanize }} queries",
  });
};

const slotInactive = (lab: Lab) =>
  alert({
    name: "ReplicationSlotInactive",
    expression: `dbkeeper_observed_slot_active{job="node"} == 0 ${onPrimary}`,
    limit: lab.limit("slotInactive"),
    severity: "warning",
    area: "replication",
    summary: "Nobody uses a replication slot.",
    description:
      "{{ $labels.instance }} keeps write-ahead log for the {{ $labels.type }} slot {{ $labels.slot }}, which nobody reads. Bring its reader back, or drop the slot.",
    value: "inactive",
  });

const slotRetains = (lab: Lab) => {
  const limit = lab.limit("slotRetained");
  return alert({
    name: "ReplicationSlotRetainsWal",
    expression: `dbkeeper_observed_slot_retained_bytes{job="node"} > ${limit.value} ${onPrimary}`,
    limit,
    severity: "warning",
    area: "replication",
    summary: "A replication slot keeps much write-ahead log.",
    description:
      "{{ $labels.instance }} keeps {{ $value | humanize1024 }}B of write-ahead log for the {{ $labels.type }} slot {{ $labels.slot }}: its reader is behind or gone.",
    value: "{{ $value | humanize1024 }}B",
  });
};

const slotNearLimit = (lab: Lab) => {
  const limit = lab.limit("slotSafe");
  const safe = 'dbkeeper_observed_slot_safe_wal_bytes{job="node"}';
  const allowed = `(${safe} + dbkeeper_observed_slot_retained_bytes{job="node"})`;
  return alert({
    name: "ReplicationSlotNearLimit",
    expression: `(${safe} / ${allowed} < ${limit.value} and ${allowed} > 0) ${onPrimary}`,
    limit,
    severity: "critical",
    area: "replication",
    summary: "A replication slot is about to lose its write-ahead log.",
    description:
      "Of what {{ $labels.instance }} may keep for the {{ $labels.type }} slot {{ $labels.slot }}, {{ $value | humanizePercentage }} are left. After that its reader has to be copied anew.",
    value: "{{ $value | humanizePercentage }} left",
  });
};

const slotLost = (lab: Lab) =>
  alert({
    name: "ReplicationSlotLost",
    expression: `(dbkeeper_observed_slot_wal_status{job="node",status=~"lost|unreserved"} == 1 or dbkeeper_observed_slot_invalidated{job="node"} == 1) ${onPrimary}`,
    forSeconds: lab.limit("slotSafe").forSeconds,
    severity: "critical",
    area: "replication",
    summary: "A replication slot has lost what its reader needs.",
    description:
      "The {{ $labels.type }} slot {{ $labels.slot }} on {{ $labels.instance }} has lost write-ahead log or is about to at the next checkpoint: a standby that needs it has to be copied anew.",
  });

const twoPrimaries = (lab: Lab) => {
  const limit = lab.limit("primaries");
  return alert({
    name: "TwoPrimaries",
    expression: `count by (cluster) (pg_replication_is_replica{job="postgres"} == 0) > ${limit.value}`,
    limit,
    severity: "critical",
    area: "replication",
    summary: "Two servers of a cluster take writes.",
    description:
      "{{ $value }} servers of cluster {{ $labels.cluster }} are primaries: a standby was promoted while the old primary lives, and what is written to one is missing on the other. Fence one now.",
    value: "{{ $value }} primaries",
    acrossInstances: "a cluster has one primary, whichever server it is",
  });
};

const noPrimary = (lab: Lab) => {
  const limit = lab.limit("primaries");
  return alert({
    name: "ClusterWithoutPrimary",
    expression: `min by (cluster) (pg_replication_is_replica{job="postgres"}) == ${limit.value}`,
    forSeconds: limit.forSeconds,
    severity: "critical",
    area: "replication",
    summary: "No server of a cluster takes writes.",
    description:
      "Every server of cluster {{ $labels.cluster }} that answers is a standby: nothing can be written. Is the primary down, or was it made a standby?",
    acrossInstances: "a cluster has one primary, whichever server it is",
  });
};
