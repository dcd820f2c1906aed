import { wellServer } from "./health.proofs.ts";
import { healthOf, healthy, ready } from "./health.ts";
import { idleInput } from "./testing/idle.ts";
import type { RecordedTest } from "./testing/recorded.ts";
import type { Series, Values } from "./testing/series.ts";

const minutes = 20;

/** The series of the well server that begins so. */
const its = (beginning: string) => Object.keys(wellServer).find((name) => name.startsWith(beginning)) ?? "";
const worse = (beginning: string, value: Values): Series => ({ ...wellServer, [its(beginning)]: value });

/** The same as the standby of the cluster; it streams to nobody. */
const wellStandby: Series = {
  ...Object.fromEntries(
    Object.entries(wellServer)
      .filter(([name]) => !name.startsWith("dbkeeper_observed_streaming"))
      .map(([name, value]) => [name.replaceAll("proj-pg01", "proj-pg02"), value]),
  ),
  'pg_replication_is_replica{job="postgres",instance="proj-pg02",cluster="pg01"}': 1,
  'pg_replication_lag_seconds{job="postgres",instance="proj-pg02",cluster="pg01"}': 30,
  'dbkeeper_observed_receiver_streaming{job="node",instance="proj-pg02",cluster="pg01"}': 1,
};
const lag = its("up").replace("up", "pg_replication_lag_seconds").replace("pg01", "pg02");
const receives = 'dbkeeper_observed_receiver_streaming{job="node",instance="proj-pg02",cluster="pg01"}';

const hit = its("up").replace("up{", "pg_stat_database_blks_hit{").replace("}", ',datid="1",datname="desi"}');
const read = hit.replace("blks_hit", "blks_read");
const readsMuch = (hitPerMinute: number): Series => ({
  ...wellServer,
  [hit]: { perMinute: hitPerMinute },
  [read]: { perMinute: 100_000 - hitPerMinute },
});

/** What is wrong, its series, the parts that fail for it, and whether the server can be given work nevertheless. */
const cases: readonly (readonly [string, Series, readonly string[], boolean])[] = [
  ["nothing", wellServer, [], true],
  ["a server that is down", { ...wellServer, [its("pg_up")]: 0 }, ["server"], false],
  ["a primary in recovery", worse("pg_replication_is_replica", 1), ["role"], false],
  ["few connections left", worse("pg_stat_activity_count", 96), ["connections"], false],
  ["a disk that is nearly full", worse("node_filesystem_avail_bytes", 14), ["disk"], false],
  ["no standby", worse("dbkeeper_observed_streaming_standbys", 0), ["replication"], true],
  ["sessions that wait", worse("dbkeeper_observed_longest_lock_wait_seconds", 0.6), ["locks"], true],
  ["sessions that wait shortly", worse("dbkeeper_observed_longest_lock_wait_seconds", 0.4), [], true],
  [
    "one wait that is over",
    worse("dbkeeper_observed_longest_lock_wait_seconds", { cycle: [0, 9] }),
    [],
    true,
  ],
  ["little memory", worse("node_memory_MemAvailable_bytes", 9), ["memory"], true],
  ["blocks that are found", readsMuch(81_000), [], true],
  ["blocks that are not found", readsMuch(79_000), ["buffers"], true],
  ["nothing, on a standby", wellStandby, [], true],
  ["a standby that lags", { ...wellStandby, [lag]: 31 }, ["replication"], false],
  ["a standby that receives nothing", { ...wellStandby, [receives]: 0 }, ["replication"], false],
  ["memory of which nothing is known", worse("node_memory_MemAvailable_bytes", "absent"), [], true],
];

/** What is recorded of a server's health: that of its parts, and what is not known is not healthy. */
export const healthRecorded: readonly RecordedTest[] = cases.map(([name, series, failing, isReady]) => {
  const isUnknown = Object.values(series).includes("absent");
  const count = (expr: string, value: number) => ({
    expr,
    eval_time: `${minutes}m`,
    exp_samples: [{ labels: "{}", value }],
  });
  return {
    name,
    interval: "1m",
    input_series: idleInput(series, minutes),
    promql_expr_test: [
      {
        expr: `count by (component) (${healthOf} == 0)`,
        eval_time: `${minutes}m`,
        exp_samples: failing.map((component) => ({ labels: `{component="${component}"}`, value: 1 })),
      },
      count(`sum(${ready})`, isReady ? 1 : 0),
      count(`sum(${healthy})`, failing.length > 0 || isUnknown ? 0 : 1),
    ],
  };
});
