import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { type Alert, alert, type RuleGroup, record } from "./rule.ts";

type Tier = "warning" | "critical";

const clients = 'pg_stat_activity_count{job="postgres",backend_type="client backend"}';

/** Connections that run out, sessions that stand still, and transactions that last too long. */
export function connections(lab: Lab): RuleGroup {
  return {
    name: "connections",
    rules: [
      usedRatio,
      used(lab, "warning"),
      used(lab, "critical"),
      ofDatabase(lab),
      ofRole(lab),
      refused(lab, "warning"),
      refused(lab, "critical"),
      idleInTransaction(lab),
      longTransaction(lab),
      lockWait(lab, "warning"),
      lockWait(lab, "critical"),
      blocked(lab, "warning"),
      blocked(lab, "critical"),
    ],
  };
}

/** Read by health and dashboards too. */
const usedRatio = record({
  name: "instance:postgres_connections_used:ratio",
  expression: `sum by (instance, cluster) (${clients})
/ on (instance, cluster) (
  sum by (instance, cluster) (pg_settings_max_connections{job="postgres"})
  - on (instance, cluster) sum by (instance, cluster) (pg_settings_superuser_reserved_connections{job="postgres"})
  > 0
)`,
});

function used(lab: Lab, severity: Tier): Alert {
  const limit = lab.limit(severity === "critical" ? "connectionsUsedCritical" : "connectionsUsedWarning");
  return alert({
    name: "PostgresConnectionsHigh",
    expression: `instance:postgres_connections_used:ratio > ${limit.value}`,
    limit,
    keepFiringForSeconds: lab.hold(120),
    severity,
    area: "performance",
    summary: "A PostgreSQL server runs out of connections.",
    description:
      "{{ $labels.instance }} has given away most of the connections that clients may have. At 100 % it sends everybody but superusers away: see who holds them, and whether they do anything.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function ofDatabase(lab: Lab): Alert {
  const limit = lab.limit("connectionLimitUsed");
  return alert({
    name: "PostgresDatabaseConnectionsHigh",
    expression: `sum by (instance, cluster, datname) (${clients})
/ on (instance, cluster, datname) (
  sum by (instance, cluster, datname) (pg_database_connection_limit{job="postgres"}) > 0
) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "A database nears its own limit of connections.",
    description:
      "{{ $labels.datname }} on {{ $labels.instance }} has used most of what its CONNECTION LIMIT allows; then it refuses clients, though the server has connections left.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function ofRole(lab: Lab): Alert {
  const limit = lab.limit("connectionLimitUsed");
  return alert({
    name: "PostgresRoleConnectionsHigh",
    expression: `sum by (instance, cluster, usename) (${clients})
/ on (instance, cluster, usename) (
  sum by (instance, cluster, usename) (
    label_replace(pg_roles_connection_limit{job="postgres"}, "usename", "$1", "rolname", "(.+)")
  ) > 0
) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "A role nears its own limit of connections.",
    description:
      "{{ $labels.usename }} on {{ $labels.instance }} has used most of what its CONNECTION LIMIT allows; then it is refused, though the server has connections left.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function refused(lab: Lab, severity: Tier): Alert {
  const limit = lab.limit(
    severity === "critical" ? "connectionsRefusedCritical" : "connectionsRefusedWarning",
  );
  return alert({
    name: "PostgresConnectionsRefused",
    expression: `increase(dbkeeper_log_events_total{job="node",kind="too_many_connections"}[${observedWindow(lab, 300)}]) > ${limit.value}`,
    limit,
    severity,
    area: "availability",
    summary: "Clients are refused for want of connections.",
    description:
      "{{ $labels.instance }} has sent clients away because the server, their database or their role has no connection left.",
    value: '{{ $value | printf "%.0f" }} within 5 min',
  });
}

function idleInTransaction(lab: Lab): Alert {
  const limit = lab.limit("idleInTransaction");
  return alert({
    name: "PostgresIdleInTransaction",
    expression: `dbkeeper_observed_oldest_idle_in_transaction_seconds{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "A session has left a transaction open.",
    description:
      "In {{ $labels.database }} on {{ $labels.instance }} somebody has begun a transaction and does nothing: its locks stay, and vacuum removes nothing that is younger. Usually a program that forgot to commit.",
    value: "{{ $value | humanizeDuration }}",
  });
}

function longTransaction(lab: Lab): Alert {
  const limit = lab.limit("longTransaction");
  return alert({
    name: "PostgresLongTransaction",
    expression: `dbkeeper_observed_oldest_transaction_seconds{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "A transaction has lasted for very long.",
    description:
      "A transaction in {{ $labels.database }} on {{ $labels.instance }} goes on for longer than the longest backup: until it ends, vacuum removes nothing that is younger. See whether somebody still waits for it.",
    value: "{{ $value | humanizeDuration }}",
  });
}

function lockWait(lab: Lab, severity: Tier): Alert {
  const limit = lab.limit(severity === "critical" ? "lockWaitCritical" : "lockWaitWarning");
  return alert({
    name: "PostgresLockWait",
    expression: `dbkeeper_observed_longest_lock_wait_seconds{job="node"} > ${limit.value}`,
    limit,
    severity,
    area: "performance",
    summary: "Sessions wait for locks.",
    description:
      "In {{ $labels.database }} on {{ $labels.instance }} somebody waits for a lock each time one looks. One session that holds it often blocks all others: find it first.",
    value: "{{ $value | humanizeDuration }}",
  });
}

function blocked(lab: Lab, severity: Tier): Alert {
  const limit = lab.limit(severity === "critical" ? "blockedSessionsCritical" : "blockedSessionsWarning");
  return alert({
    name: "PostgresSessionsBlocked",
    expression: `dbkeeper_observed_blocked_sessions{job="node"} > ${limit.value}`,
    limit,
    severity,
    area: "performance",
    summary: "Many sessions are blocked by others.",
    description:
      "In {{ $labels.database }} on {{ $labels.instance }} sessions queue up behind another one's lock; each of them holds a connection meanwhile.",
    value: "{{ $value }} sessions",
  });
}
