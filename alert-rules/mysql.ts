import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** MySQL and MariaDB, where the site has one. */
export function mysql(lab: Lab): RuleGroup {
  const isThere = lab.others.some(({ engine }) => engine === "mysql");
  return { name: "mysql", rules: isThere ? rules(lab) : [] };
}

const job = '{job="mysql"}';

function rules(lab: Lab): Alert[] {
  return [
    exporterDown(lab),
    down(lab),
    ...connections(lab),
    cacheHit(lab),
    slowQueries(lab),
    ...replication(lab),
  ];
}

const exporterDown = (lab: Lab) =>
  alert({
    name: "MySqlExporterDown",
    expression: `up${job} == 0`,
    forSeconds: lab.limit("mySqlDown").forSeconds,
    severity: "critical",
    area: "availability",
    summary: "MySQL is not watched.",
    description:
      "mysqld_exporter for {{ $labels.instance }} does not answer: the state of the database is unknown.",
  });

const down = (lab: Lab) =>
  alert({
    name: "MySqlDown",
    expression: `mysql_up${job} == 0`,
    forSeconds: lab.limit("mySqlDown").forSeconds,
    severity: "critical",
    area: "availability",
    summary: "A MySQL server is down.",
    description: "mysqld_exporter cannot connect to MySQL on {{ $labels.instance }}.",
  });

function connections(lab: Lab): Alert[] {
  const figures = { warning: "mySqlConnectionsWarning", critical: "mySqlConnectionsCritical" } as const;
  return tiers(lab, figures, ({ severity, limit }) =>
    alert({
      name: "MySqlConnectionsHigh",
      expression: `mysql_global_status_threads_connected${job} / (mysql_global_variables_max_connections${job} > 0) > ${limit.value}`,
      limit,
      severity,
      area: "performance",
      summary: "A MySQL server runs out of connections.",
      description:
        "MySQL on {{ $labels.instance }} has given away most of its connections; then it refuses everybody.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );
}

function cacheHit(lab: Lab): Alert {
  const limit = lab.limit("mySqlCacheHit");
  const window = lab.window(300);
  const all = `rate(mysql_global_status_innodb_buffer_pool_read_requests${job}[${window}])`;
  return alert({
    name: "MySqlCacheHitRatioLow",
    expression: `1 - rate(mysql_global_status_innodb_buffer_pool_reads${job}[${window}]) / (${all} > ${lab.limit("mySqlReadFloor").value}) < ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "InnoDB finds too little in its buffer pool.",
    description:
      "MySQL on {{ $labels.instance }} reads much from the disk: a query that scans a large table, or a pool that is too small.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function slowQueries(lab: Lab): Alert {
  const limit = lab.limit("mySqlSlowQueries");
  const window = lab.window(300);
  return alert({
    name: "MySqlSlowQueries",
    expression: `rate(mysql_global_status_slow_queries${job}[${window}]) / (rate(mysql_global_status_questions${job}[${window}]) > ${lab.limit("mySqlQueryFloor").value}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Many statements of MySQL are slow.",
    description:
      "More than one statement of twenty of MySQL on {{ $labels.instance }} takes longer than long_query_time.",
    value: "{{ $value | humanizePercentage }}",
  });
}

/** Sources and replicas were masters and slaves, and still are in MariaDB. */
function replication(lab: Lab): Alert[] {
  const limit = lab.limit("mySqlReplicationLag");
  const threads = ["slave_io", "slave_sql", "replica_io", "replica_sql"];
  const stopped = threads.map((thread) => `mysql_slave_status_${thread}_running${job} == 0`);
  return [
    alert({
      name: "MySqlReplicationStopped",
      expression: stopped.join("\nor "),
      forSeconds: lab.limit("mySqlDown").forSeconds,
      severity: "critical",
      area: "replication",
      summary: "A replica of MySQL has stopped.",
      description: "The replica {{ $labels.instance }} no longer receives or applies what its source writes.",
    }),
    alert({
      name: "MySqlReplicationLag",
      expression: `(mysql_slave_status_seconds_behind_master${job} or mysql_slave_status_seconds_behind_source${job}) > ${limit.value}`,
      limit,
      severity: "critical",
      area: "replication",
      summary: "A replica of MySQL is behind.",
      description: "The replica {{ $labels.instance }} is behind its source: a failover now loses this.",
      value: "{{ $value | humanizeDuration }}",
    }),
  ];
}
