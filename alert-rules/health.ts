import { usedSpace } from "./capacity.ts";
import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { alert, type Recording, type RuleGroup, record } from "./rule.ts";

/** Health of a server by its parts: 1 where a part is well, 0 where it fails, nothing where that is not known. */
export const healthOf = "instance:postgres_health:bool";
/** 1 where a server can be given the work of its role. */
export const ready = "instance:postgres_ready:bool";
/** 1 where every part of a server's health is known and well. */
export const healthy = "instance:postgres_healthy:bool";

/**
 * Health of each database server (M8 of the requirements), by the figures at which alerts are critical. Parts that fail
 * have alerts of their own; those here tell of a role, and of parts that nobody knows anything of.
 */
export function health(lab: Lab): RuleGroup {
  if (lab.clusters.length === 0) return { name: "health", rules: [] };
  const components = componentsOf(lab);
  return {
    name: "health",
    intervalSeconds: lab.every(60),
    rules: [
      ...Object.entries(components).flatMap(([component, expressions]) =>
        expressions.map((expression) => record({ name: healthOf, expression, labels: { component } })),
      ),
      readiness,
      overall(Object.keys(components).length),
      roleUnexpected(lab),
      unknown(lab, Object.keys(components).length),
    ],
  };
}

/** Of each part, what says that it is well; the names are those of `dbkeeper health`. */
function componentsOf(lab: Lab): Readonly<Record<string, readonly string[]>> {
  const figure = (name: Parameters<Lab["limit"]>[0]) => lab.limit(name).value;
  const memory = '1 - node_memory_MemAvailable_bytes{job="node"} / node_memory_MemTotal_bytes{job="node"}';
  const waits = `dbkeeper_observed_longest_lock_wait_seconds{job="node"}[${observedWindow(lab, 300)}]`;
  return {
    server: [byServer("instance:postgres_live:bool", "max")],
    role: roles(lab.clusters),
    connections: [`instance:postgres_connections_used:ratio <= bool ${figure("connectionsUsedCritical")}`],
    replication: replication(lab),
    // Five looks in a row, as the alert has it.
    locks: [`${byServer(`min_over_time(${waits})`, "max")} <= bool ${figure("lockWaitCritical")}`],
    // An idle server reads too little to say anything: that is no failure.
    buffers: [
      `${byServer("database:postgres_cache_hit:ratio", "min")} >= bool ${figure("cacheHitCritical")}
or on (instance, cluster) ${byServer('pg_up{job="postgres"} == 1', "max")}`,
    ],
    disk: [ofHost(`max by (instance) (${usedSpace}) <= bool ${figure("diskUsedCritical")}`)],
    memory: [ofHost(`(${memory}) <= bool ${figure("memoryUsedCritical")}`)],
  };
}

function byServer(expression: string, aggregation: "min" | "max"): string {
  return `${aggregation} by (instance, cluster) (${expression})`;
}

/** What is known of a host, with the labels of the server that runs on it. */
function ofHost(expression: string): string {
  return `${byServer('up{job="postgres"}', "max")} * 0 + on (instance) group_left () (${expression})`;
}

function roles(clusters: readonly WatchedCluster[]): string[] {
  const replica = "pg_replication_is_replica";
  const { primaries, standbys } = membersOf(clusters);
  const takesWrites = [replica, "pg_settings_default_transaction_read_only"].map(
    (metric) => `${byServer(of(metric, "postgres", primaries), "max")} == bool 0`,
  );
  return [
    `(${takesWrites.join(") * on (instance, cluster) (")})`,
    ...(standbys.length > 0 ? [`${byServer(of(replica, "postgres", standbys), "min")} == bool 1`] : []),
  ];
}

/** A standby receives and is not too far behind; a primary streams to every standby that it is to have. */
function replication(lab: Lab): string[] {
  const { standbys } = membersOf(lab.clusters);
  const bySize = Map.groupBy(lab.clusters, (cluster) => cluster.standbys.length);
  const lag = byServer(of("pg_replication_lag_seconds", "postgres", standbys), "max");
  const receives = byServer(of("dbkeeper_observed_receiver_streaming", "node", standbys), "min");
  return [
    ...[...bySize].map(([size, clusters]) => {
      const primaries = clusters.map(({ primary }) => primary);
      return `${byServer(of("dbkeeper_observed_streaming_standbys", "node", primaries), "min")} >= bool ${size}`;
    }),
    ...(standbys.length > 0
      ? [
          `(${lag} <= bool ${lab.limit("replicationLagCritical").value}) * on (instance, cluster) (${receives} == bool 1)`,
        ]
      : []),
  ];
}

function membersOf(clusters: readonly WatchedCluster[]) {
  return {
    primaries: clusters.map(({ primary }) => primary),
    standbys: clusters.flatMap(({ standbys }) => standbys),
  };
}

function of(metric: string, job: string, instances: readonly string[]): string {
  return `${metric}{job="${job}",instance=~"${instances.join("|")}"}`;
}

/** What keeps any server from its work. A primary serves whether or not it has a standby, so that is asked of standbys. */
const needed = `${healthOf}{component=~"server|role|connections|disk"}`;
const followed = `${healthOf}{component="replication"} and on (instance) pg_replication_is_replica{job="postgres"} == 1`;

const readiness: Recording = record({
  name: ready,
  expression: `${byServer(`${needed} or ${followed}`, "min")}
* on (instance, cluster) (count by (instance, cluster) (${needed}) >= bool 4)`,
});

const overall = (components: number): Recording =>
  record({
    name: healthy,
    expression: `${byServer(healthOf, "min")}
* on (instance, cluster) (count by (instance, cluster) (${healthOf}) >= bool ${components})`,
  });

const roleUnexpected = (lab: Lab) => {
  const limit = lab.limit("roleUnexpected");
  return alert({
    name: "PostgresRoleUnexpected",
    expression: `${healthOf}{component="role"} == ${limit.value}`,
    limit,
    severity: "critical",
    area: "availability",
    summary: "A server answers, but not as what the site has it for.",
    description:
      "{{ $labels.instance }} of cluster {{ $labels.cluster }} answers and cannot do its work: a primary that is in recovery or takes no writes, or a standby that was promoted.",
    value: "another role",
  });
};

/** A part without a figure is not failing by its own alert, and would look well. */
const unknown = (lab: Lab, components: number) => {
  const limit = lab.limit("healthUnknown");
  return alert({
    name: "PostgresHealthUnknown",
    expression: `${components} - count by (instance, cluster) (${healthOf}) > ${limit.value} and on (instance) instance:postgres_live:bool == 1`,
    limit,
    severity: "warning",
    area: "monitoring",
    summary: "Parts of a server's health are not known.",
    description:
      "Of what tells whether the server on {{ $labels.instance }} is well, {{ $value }} of its parts are missing: it does not count as healthy, and alerts on these parts are blind.",
    value: "{{ $value }} unknown",
  });
};
