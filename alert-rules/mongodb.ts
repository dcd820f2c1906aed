import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** MongoDB, where the site has one; its exporter's names are known from its documentation alone. */
export function mongodb(lab: Lab): RuleGroup {
  const isThere = lab.others.some(({ engine }) => engine === "mongodb");
  return { name: "mongodb", rules: isThere ? rules(lab) : [] };
}

const job = 'job="mongodb"';

function rules(lab: Lab): Alert[] {
  const { forSeconds } = lab.limit("mongoDbDown");
  return [
    alert({
      name: "MongoDbExporterDown",
      expression: `up{${job}} == 0`,
      forSeconds,
      severity: "critical",
      area: "availability",
      summary: "MongoDB is not watched.",
      description:
        "mongodb_exporter for {{ $labels.instance }} does not answer: the state of the database is unknown.",
    }),
    alert({
      name: "MongoDbDown",
      expression: `mongodb_up{${job}} == 0`,
      forSeconds,
      severity: "critical",
      area: "availability",
      summary: "A MongoDB server is down.",
      description: "mongodb_exporter cannot connect to MongoDB on {{ $labels.instance }}.",
    }),
    ...connections(lab),
    queue(lab),
    memberUnhealthy(lab),
    replicationLag(lab),
  ];
}

function connections(lab: Lab): Alert[] {
  const of = (kind: string) => `sum by (instance) (mongodb_ss_connections{${job},conn_type="${kind}"})`;
  const figures = {
    warning: "mongoDbConnectionsWarning",
    critical: "mongoDbConnectionsCritical",
  } as const;
  return tiers(lab, figures, ({ severity, limit }) =>
    alert({
      name: "MongoDbConnectionsHigh",
      expression: `${of("current")} / (${of("current")} + ${of("available")} > 0) > ${limit.value}`,
      limit,
      severity,
      area: "performance",
      summary: "A MongoDB server runs out of connections.",
      description:
        "MongoDB on {{ $labels.instance }} has given away most of its connections; then it refuses everybody.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );
}

function queue(lab: Lab): Alert {
  const limit = lab.limit("mongoDbQueue");
  return alert({
    name: "MongoDbOperationsQueue",
    expression: `sum by (instance) (mongodb_ss_globalLock_currentQueue{${job},count_type="total"}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Operations of MongoDB wait for locks.",
    description: "On {{ $labels.instance }} operations of MongoDB queue up behind another one's lock.",
    value: "{{ $value }} operations",
  });
}

const memberUnhealthy = (lab: Lab) =>
  alert({
    name: "MongoDbMemberUnhealthy",
    expression: `mongodb_mongod_replset_member_health{${job}} == 0`,
    forSeconds: lab.limit("mongoDbDown").forSeconds,
    severity: "critical",
    area: "replication",
    summary: "A member of a replica set is away.",
    description:
      "{{ $labels.instance }} does not reach the member {{ $labels.name }} of replica set {{ $labels.set }}: with one more away nobody can write.",
  });

function replicationLag(lab: Lab): Alert {
  const limit = lab.limit("mongoDbReplicationLag");
  return alert({
    name: "MongoDbReplicationLag",
    expression: `mongodb_mongod_replset_member_replication_lag{${job}} > ${limit.value}`,
    limit,
    severity: "critical",
    area: "replication",
    summary: "A member of a replica set is behind.",
    description:
      "The member {{ $labels.name }} of replica set {{ $labels.set }} is behind, as {{ $labels.instance }} sees it: a failover to it loses this.",
    value: "{{ $value | humanizeDuration }}",
  });
}
