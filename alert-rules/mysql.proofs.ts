import type { Proofs } from "./testing/proof.ts";

const target = 'job="mysql",instance="proj-my01"';
const where = { job: "mysql", instance: "proj-my01" };
const status = (name: string) => `mysql_global_status_${name}{${target}}`;
const replica = (name: string) => `mysql_slave_status_${name}{${target},master_host="proj-my02"}`;

const connections = {
  alert: "MySqlConnectionsHigh",
  always: { [`mysql_global_variables_max_connections{${target}}`]: 100 },
  labels: where,
  says: "MySQL on proj-my01 has given away most of its connections; then it refuses everybody.",
} as const;

export const mysqlProofs: Proofs = [
  {
    alert: "MySqlExporterDown",
    severity: "critical",
    good: { [`up{${target}}`]: 1 },
    bad: { [`up{${target}}`]: 0 },
    labels: where,
    says: "mysqld_exporter for proj-my01 does not answer: the state of the database is unknown.",
  },
  {
    alert: "MySqlDown",
    severity: "critical",
    good: { [`mysql_up{${target}}`]: 1 },
    bad: { [`mysql_up{${target}}`]: 0 },
    labels: where,
    says: "mysqld_exporter cannot connect to MySQL on proj-my01.",
  },
  {
    ...connections,
    severity: "warning",
    good: { [status("threads_connected")]: 80 },
    bad: { [status("threads_connected")]: 81 },
    shows: "81%",
  },
  {
    ...connections,
    severity: "critical",
    good: { [status("threads_connected")]: 80 },
    bad: { [status("threads_connected")]: 96 },
    shows: "96%",
  },
  {
    alert: "MySqlCacheHitRatioLow",
    severity: "warning",
    always: { [status("innodb_buffer_pool_read_requests")]: { perMinute: 12_000 } },
    good: { [status("innodb_buffer_pool_reads")]: { perMinute: 1100 } },
    bad: { [status("innodb_buffer_pool_reads")]: { perMinute: 6000 } },
    elsewhere: {
      [status("innodb_buffer_pool_read_requests")]: { perMinute: 5000 },
      [status("innodb_buffer_pool_reads")]: { perMinute: 4000 },
    },
    labels: where,
    says: "MySQL on proj-my01 reads much from the disk: a query that scans a large table, or a pool that is too small.",
    shows: "50%",
    delayMinutes: 1,
    clearMinutes: 4,
  },
  {
    alert: "MySqlSlowQueries",
    severity: "warning",
    always: { [status("questions")]: { perMinute: 12 } },
    good: { [status("slow_queries")]: { perMinute: 0.5 } },
    bad: { [status("slow_queries")]: { perMinute: 6 } },
    elsewhere: {
      [status("questions")]: { perMinute: 3 },
      [status("slow_queries")]: { perMinute: 3 },
    },
    labels: where,
    says: "More than one statement of twenty of MySQL on proj-my01 takes longer than long_query_time.",
    shows: "50%",
    delayMinutes: 1,
    clearMinutes: 4,
  },
  ...["slave_io", "slave_sql", "replica_io", "replica_sql"].map((thread) => ({
    alert: "MySqlReplicationStopped",
    severity: "critical" as const,
    good: { [replica(`${thread}_running`)]: 1 },
    bad: { [replica(`${thread}_running`)]: 0 },
    labels: { ...where, master_host: "proj-my02" },
    says: "The replica proj-my01 no longer receives or applies what its source writes.",
  })),
  ...["master", "source"].map((name) => ({
    alert: "MySqlReplicationLag",
    severity: "critical" as const,
    good: { [replica(`seconds_behind_${name}`)]: 30 },
    bad: { [replica(`seconds_behind_${name}`)]: 31 },
    labels: { ...where, master_host: "proj-my02" },
    says: "The replica proj-my01 is behind its source: a failover now loses this.",
    shows: "31s",
  })),
];
