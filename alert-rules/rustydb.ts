import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";
import type { FigureName } from "./thresholds.ts";
import { tiers } from "./tiers.ts";

/** RustyDB, where the site has one; its names of metrics are known from its guide alone. */
export function rustydb(lab: Lab): RuleGroup {
  const isThere = lab.others.some(({ engine }) => engine === "rustydb");
  return { name: "rustydb", rules: isThere ? rules(lab) : [] };
}

const job = 'job="rustydb"';

interface Text {
  readonly name: string;
  readonly area: Alert["area"];
  readonly summary: string;
  readonly description: string;
  readonly value: string;
}

function rules(lab: Lab): Alert[] {
  const [window, longer] = [lab.window(300), lab.window(600)];
  const of = (name: FigureName) => lab.limit(name).value;
  const rate = (metric: string, matchers = "", span = window) =>
    `rate(${metric}{${job}${matchers}}[${span}])`;
  const above = (
    figure: FigureName,
    left: string,
    { severity = "warning", ...text }: Text & { severity?: Alert["severity"] },
  ) =>
    alert({
      ...text,
      limit: lab.limit(figure),
      expression: `${left} > ${of(figure)}`,
      severity,
    });
  return [
    down(lab),
    above("rustyDbCpuUsed", `rustydb_cpu_usage_percent{${job}} / 100`, {
      name: "RustyDbHighCPUUsage",
      area: "resources",
      summary: "RustyDB uses most of the processor.",
      description: "RustyDB on {{ $labels.instance }} computes all the time: see which queries run.",
      value: "{{ $value | humanizePercentage }}",
    }),
    above(
      "rustyDbMemoryUsed",
      `rustydb_buffer_pool_used_bytes{${job}} / (rustydb_buffer_pool_size_bytes{${job}} > 0)`,
      {
        name: "RustyDbHighMemoryUsage",
        severity: "critical",
        area: "resources",
        summary: "RustyDB's buffer pool is nearly full.",
        description:
          "RustyDB on {{ $labels.instance }} has used most of its buffer pool: soon it reads from the disk what it has just thrown away.",
        value: "{{ $value | humanizePercentage }}",
      },
    ),
    cacheHit(lab, window),
    above("rustyDbReplicationLag", `rustydb_replication_lag_seconds{${job}}`, {
      name: "RustyDbReplicationLag",
      severity: "critical",
      area: "replication",
      summary: "A RustyDB replica is behind.",
      description: "The replica {{ $labels.instance }} of RustyDB is behind: a failover now loses this.",
      value: "{{ $value | humanizeDuration }}",
    }),
    above("rustyDbReplicationLagBytes", `rustydb_replication_lag_bytes{${job}}`, {
      name: "RustyDbReplicationBacklog",
      area: "replication",
      summary: "A RustyDB replica has much to receive.",
      description:
        "The replica {{ $labels.instance }} of RustyDB has not received much of what was written, whatever its clock says.",
      value: "{{ $value | humanize1024 }}B",
    }),
    above(
      "rustyDbErrors",
      `${rate("rustydb_queries_errors")} / (${rate("rustydb_queries_total")} > ${of("rustyDbTrafficFloor")})`,
      {
        name: "RustyDbQueryErrors",
        area: "performance",
        summary: "Queries of RustyDB fail.",
        description: "A part of the queries of RustyDB on {{ $labels.instance }} ends with an error.",
        value: "{{ $value | humanizePercentage }}",
      },
    ),
    above(
      "rustyDbRollbacks",
      `${sum(rate("rustydb_transactions_total", ',status="rolled_back"', longer))} / (${sum(rate("rustydb_transactions_total", "", longer))} > ${of("rustyDbTrafficFloor")})`,
      {
        name: "RustyDbRollbackRatioHigh",
        area: "performance",
        summary: "Many transactions of RustyDB are rolled back.",
        description:
          "A large part of the transactions of RustyDB on {{ $labels.instance }} ends without effect.",
        value: "{{ $value | humanizePercentage }}",
      },
    ),
    ...tiers(
      lab,
      { warning: "rustyDbLatencyWarning", critical: "rustyDbLatencyCritical" },
      ({ severity, limit }) =>
        above(limit.name as FigureName, p95("rustydb_query_duration_ms", of("rustyDbTrafficFloor"), window), {
          name: "RustyDbQueryLatencyHigh",
          severity,
          area: "performance",
          summary: "Queries of RustyDB are slow.",
          description: "One query of twenty of RustyDB on {{ $labels.instance }} takes longer than it may.",
          value: "{{ $value | humanizeDuration }}",
        }),
    ),
    ...(["read", "write"] as const).map((kind) =>
      above("rustyDbDiskLatency", p95(`rustydb_disk_${kind}_latency_ms`, of("rustyDbDiskFloor"), window), {
        name: kind === "read" ? "RustyDbDiskReadsSlow" : "RustyDbDiskWritesSlow",
        area: "performance",
        summary: `RustyDB waits for the disk when it ${kind}s.`,
        description: `One ${kind} of twenty of RustyDB on {{ $labels.instance }} waits for the disk longer than it may.`,
        value: "{{ $value | humanizeDuration }}",
      }),
    ),
    ...pool(lab, above),
  ];
}

const sum = (series: string) => `sum by (instance) (${series})`;

/** In seconds, of a histogram of milliseconds. */
function p95(metric: string, floor: number, window: string): string {
  const of = (suffix: string) => `rate(${metric}_${suffix}{${job}}[${window}])`;
  return `(histogram_quantile(0.95, sum by (instance, le) (${of("bucket")})) and on (instance) ${sum(of("count"))} > ${floor}) / 1000`;
}

function down(lab: Lab): Alert {
  return alert({
    name: "RustyDbDown",
    // Its exporter may be the database's own page: then nothing else answers either.
    expression: `up{${job}} == 0`,
    forSeconds: lab.limit("rustyDbDown").forSeconds,
    severity: "critical",
    area: "availability",
    summary: "RustyDB does not answer.",
    description: "RustyDB on {{ $labels.instance }} does not answer Prometheus: it is off, or hung.",
  });
}

function cacheHit(lab: Lab, window: string): Alert {
  const limit = lab.limit("rustyDbCacheHit");
  const of = (metric: string) => `rate(rustydb_buffer_pool_${metric}{${job}}[${window}])`;
  return alert({
    name: "RustyDbLowCacheHitRatio",
    expression: `rustydb_buffer_pool_hit_ratio{${job}} < ${limit.value}
and on (instance) ${of("hits")} + ${of("misses")} > ${lab.limit("rustyDbBufferFloor").value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "RustyDB finds too little in its buffer pool.",
    description:
      "RustyDB on {{ $labels.instance }} reads much from the disk: a query that scans a large table, or a pool that is too small.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function pool(lab: Lab, above: (figure: FigureName, left: string, text: Text) => Alert): Alert[] {
  const [active, idle] = [`rustydb_connections_active{${job}}`, `rustydb_connections_idle{${job}}`];
  return [
    above("rustyDbPoolUsed", `${active} / (${active} + ${idle} > 0)`, {
      name: "RustyDbPoolExhausted",
      area: "performance",
      summary: "RustyDB's connection pool has hardly any left.",
      description: "Nearly all connections of RustyDB's pool on {{ $labels.instance }} are in use.",
      value: "{{ $value | humanizePercentage }}",
    }),
    above("rustyDbPoolQueue", `rustydb_connection_wait_queue_depth{${job}}`, {
      name: "RustyDbPoolQueue",
      area: "performance",
      summary: "Clients wait for a connection of RustyDB.",
      description: "Clients of RustyDB on {{ $labels.instance }} queue up for a connection of its pool.",
      value: "{{ $value }} clients",
    }),
    above("rustyDbPoolTimeouts", `increase(rustydb_connection_timeouts_total{${job}}[${lab.window(300)}])`, {
      name: "RustyDbPoolTimeouts",
      area: "availability",
      summary: "Clients get no connection of RustyDB.",
      description: "Clients of RustyDB on {{ $labels.instance }} have waited for a connection in vain.",
      value: '{{ $value | printf "%.0f" }} within 5 min',
    }),
  ];
}
