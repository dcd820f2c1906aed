import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { type Alert, alert, type Recording, type RuleGroup, record } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** Queries that are slow, and what makes them so. */
export function performance(lab: Lab): RuleGroup {
  return {
    name: "performance",
    // Its rates are of minutes.
    intervalSeconds: lab.every(60),
    rules: [
      ...statements(lab),
      ...blocks(lab),
      ...queryLatency(lab),
      slowStatements(lab),
      ...cacheHit(lab),
      deadlocks(lab),
      rollbacks(lab),
      temporaryFiles(lab),
      checkpoints(lab),
      timeouts(lab),
    ],
  };
}

const durations = "dbkeeper_observed_statement_duration_seconds";

/** Read by objectives, anomalies and dashboards too. */
function statements(lab: Lab): Recording[] {
  const window = observedWindow(lab, 300);
  return [
    record({
      name: "database:postgres_statements:rate",
      expression: `sum by (instance, cluster, database) (rate(${durations}_count{job="node"}[${window}]))`,
    }),
    record({
      name: "database:postgres_statement_duration_seconds:p95",
      expression: `histogram_quantile(0.95, sum by (instance, cluster, database, le) (rate(${durations}_bucket{job="node"}[${window}])))`,
    }),
  ];
}

/**
 * What belongs to no database (`datname=""`) is read by all of them. Copies that dumps are proven with and restores that
 * have not ended read everything once, sort much, and go: that is no fault of anybody's query.
 */
const database = '{job="postgres",datname!~"(dbkeeper_(scratch|restore)_.*)?"}';

function blocks(lab: Lab): Recording[] {
  const window = lab.window(300);
  const all = `sum by (instance, cluster, datname) (rate(pg_stat_database_blks_hit${database}[${window}]) + rate(pg_stat_database_blks_read${database}[${window}]))`;
  return [
    record({
      name: "database:postgres_cache_hit:ratio",
      expression: `sum by (instance, cluster, datname) (rate(pg_stat_database_blks_hit${database}[${window}]))
/ (${all} > ${lab.limit("blockFloor").value})`,
    }),
  ];
}

function queryLatency(lab: Lab): Alert[] {
  const figures = { warning: "queryLatencyWarning", critical: "queryLatencyCritical" } as const;
  return tiers(lab, figures, ({ severity, limit }) =>
    alert({
      name: "PostgresQueryLatencyHigh",
      expression: `database:postgres_statement_duration_seconds:p95 > ${limit.value}
and database:postgres_statements:rate > ${lab.limit("statementFloor").value}`,
      limit,
      keepFiringForSeconds: lab.hold(180),
      severity,
      area: "performance",
      summary: "Queries are slow.",
      description:
        "In {{ $labels.database }} on {{ $labels.instance }} one statement of twenty takes longer than it may. Look for locks first, then for what the disks do, then for the statement that took most time.",
      value: "{{ $value | humanizeDuration }}",
    }),
  );
}

function slowStatements(lab: Lab): Alert {
  const limit = lab.limit("slowStatements");
  const window = observedWindow(lab, 600);
  const all = `sum by (instance, cluster) (rate(${durations}_count{job="node"}[${window}]))`;
  return alert({
    name: "PostgresSlowStatements",
    expression: `sum by (instance, cluster) (rate(dbkeeper_log_events_total{job="node",kind="slow_statement"}[${window}]))
/ on (instance, cluster) (${all} > ${lab.limit("statementFloor").value}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Many statements are in the log of slow ones.",
    description:
      "More than one statement of twenty on {{ $labels.instance }} takes longer than log_min_duration_statement. The log has each of them, with its text.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function cacheHit(lab: Lab): Alert[] {
  const figures = { warning: "cacheHitWarning", critical: "cacheHitCritical" } as const;
  return tiers(lab, figures, ({ severity, limit }) =>
    alert({
      name: "PostgresCacheHitRatioLow",
      expression: `database:postgres_cache_hit:ratio < ${limit.value}`,
      limit,
      severity,
      area: "performance",
      summary: "Too little is found in shared buffers.",
      description:
        "{{ $labels.datname }} on {{ $labels.instance }} reads much from outside shared buffers: a statement that scans a large table, or shared_buffers that are too small for what is in use.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );
}

function deadlocks(lab: Lab): Alert {
  const limit = lab.limit("deadlocks");
  return alert({
    name: "PostgresDeadlocks",
    expression: `increase(pg_stat_database_deadlocks${database}[${lab.window(900)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Transactions were ended by a deadlock.",
    description:
      "In {{ $labels.datname }} on {{ $labels.instance }} transactions waited for each other, and PostgreSQL has ended one of them. The log has the statements of both.",
    value: '{{ $value | printf "%.0f" }} within 15 min',
  });
}

function rollbacks(lab: Lab): Alert {
  const limit = lab.limit("rollbackRatio");
  const window = lab.window(600);
  const rolledBack = `rate(pg_stat_database_xact_rollback${database}[${window}])`;
  const all = `(rate(pg_stat_database_xact_commit${database}[${window}]) + ${rolledBack})`;
  return alert({
    name: "PostgresRollbackRatioHigh",
    expression: `${rolledBack} / (${all} > ${lab.limit("transactionFloor").value}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Many transactions are rolled back.",
    description:
      "A large part of the transactions in {{ $labels.datname }} on {{ $labels.instance }} ends without effect: a program that fails, or one that rolls back what it should commit. The log says with which errors.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function temporaryFiles(lab: Lab): Alert {
  const limit = lab.limit("temporaryBytes");
  return alert({
    name: "PostgresTemporaryFilesHigh",
    expression: `rate(pg_stat_database_temp_bytes${database}[${lab.window(600)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Queries write much to temporary files.",
    description:
      "Statements in {{ $labels.datname }} on {{ $labels.instance }} sort or join more than work_mem holds, and do it on the disk: they are slow, make others slow, and fill the disk for a while.",
    value: "{{ $value | humanize1024 }}B/s",
  });
}

function checkpoints(lab: Lab): Alert {
  const limit = lab.limit("checkpointsRequested");
  const window = lab.window(1800);
  return alert({
    name: "PostgresCheckpointsTooFrequent",
    // PostgreSQL 17 counts them in another view.
    expression: `(
  rate(pg_stat_bgwriter_checkpoints_req_total{job="postgres"}[${window}])
  or rate(pg_stat_checkpointer_num_requested_total{job="postgres"}[${window}])
) * 60 > ${limit.value}
and on (instance) pg_replication_is_replica{job="postgres"} == 0`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Checkpoints come before their time.",
    description:
      "{{ $labels.instance }} writes so much WAL that max_wal_size is reached before checkpoint_timeout: each checkpoint writes all changed pages, and WAL grows by their full images. Raise max_wal_size, or see who writes.",
    value: '{{ $value | printf "%.1f" }} a minute',
  });
}

function timeouts(lab: Lab): Alert {
  const limit = lab.limit("statementsTimedOut");
  return alert({
    name: "PostgresStatementsTimedOut",
    expression: `increase(dbkeeper_log_events_total{job="node",kind=~"statement_timeout|lock_timeout"}[${observedWindow(lab, 900)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Statements are ended by a timeout.",
    description:
      "On {{ $labels.instance }} statements are ended by their {{ $labels.kind }}: what somebody asked for was not done. The log has the statements.",
    value: '{{ $value | printf "%.0f" }} within 15 min',
  });
}
