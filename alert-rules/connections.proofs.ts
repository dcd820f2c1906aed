import type { Proofs } from "./testing/proof.ts";

const server = 'job="postgres",instance="proj-pg01",cluster="pg01"';
const host = 'job="node",instance="proj-pg01",cluster="pg01"';
const where = { instance: "proj-pg01", cluster: "pg01" };
const observed = { job: "node", ...where };

const sessions = `pg_stat_activity_count{${server},server="/run:5432",datname="desi",usename="astro",state="active",application_name="app",backend_type="client backend",wait_event_type="",wait_event=""}`;
const walsenders = `pg_stat_activity_count{${server},server="/run:5432",datname="desi",usename="astro",state="active",application_name="app",backend_type="walsender",wait_event_type="",wait_event=""}`;
const limits = {
  [`pg_settings_max_connections{${server},server="/run:5432"}`]: 103,
  [`pg_settings_superuser_reserved_connections{${server},server="/run:5432"}`]: 3,
  [walsenders]: 50,
};

const runningOut = {
  alert: "PostgresConnectionsHigh",
  always: limits,
  labels: where,
  says: "proj-pg01 has given away most of the connections that clients may have. At 100 % it sends everybody but superusers away: see who holds them, and whether they do anything.",
} as const;

const refused = `dbkeeper_log_events_total{${host},kind="too_many_connections"}`;
const otherEvents = `dbkeeper_log_events_total{${host},kind="deadlock"}`;
const sendsAway = {
  alert: "PostgresConnectionsRefused",
  always: { [otherEvents]: { perMinute: 30 } },
  labels: { ...observed, kind: "too_many_connections" },
  says: "proj-pg01 has sent clients away because the server, their database or their role has no connection left.",
} as const;

const desi = `${host},database="desi"`;
const inDatabase = { ...observed, database: "desi" };
const lockWait = `dbkeeper_observed_longest_lock_wait_seconds{${desi}}`;
const waits = {
  alert: "PostgresLockWait",
  labels: inDatabase,
  says: "In desi on proj-pg01 somebody waits for a lock each time one looks. One session that holds it often blocks all others: find it first.",
} as const;
const blocked = `dbkeeper_observed_blocked_sessions{${desi}}`;
const queue = {
  alert: "PostgresSessionsBlocked",
  labels: inDatabase,
  says: "In desi on proj-pg01 sessions queue up behind another one's lock; each of them holds a connection meanwhile.",
} as const;

export const connectionsProofs: Proofs = [
  { ...runningOut, severity: "warning", good: { [sessions]: 80 }, bad: { [sessions]: 81 }, shows: "81%" },
  {
    ...runningOut,
    severity: "critical",
    good: { [sessions]: 80 },
    bad: { [sessions]: 96 },
    shows: "96%",
  },
  {
    alert: "PostgresDatabaseConnectionsHigh",
    severity: "warning",
    always: { [`pg_database_connection_limit{${server},datname="desi"}`]: 20 },
    good: { [sessions]: 16 },
    bad: { [sessions]: 17 },
    labels: { ...where, datname: "desi" },
    says: "desi on proj-pg01 has used most of what its CONNECTION LIMIT allows; then it refuses clients, though the server has connections left.",
    shows: "85%",
    // A database without a limit has -1.
    elsewhere: {
      [`pg_database_connection_limit{${server},datname="desi"}`]: -1,
      [sessions]: 19,
    },
    idle: { [sessions]: 1 },
  },
  {
    alert: "PostgresRoleConnectionsHigh",
    severity: "warning",
    always: { [`pg_roles_connection_limit{${server},rolname="astro"}`]: 20 },
    good: { [sessions]: 16 },
    bad: { [sessions]: 17 },
    labels: { ...where, usename: "astro" },
    says: "astro on proj-pg01 has used most of what its CONNECTION LIMIT allows; then it is refused, though the server has connections left.",
    shows: "85%",
    elsewhere: { [`pg_roles_connection_limit{${server},rolname="astro"}`]: -1, [sessions]: 19 },
  },
  {
    ...sendsAway,
    severity: "warning",
    good: { [refused]: { perMinute: 0 } },
    bad: { [refused]: { perMinute: 1 } },
    delayMinutes: 1,
    clearMinutes: 4,
    shows: "1 within 5 min",
  },
  {
    ...sendsAway,
    severity: "critical",
    good: { [refused]: { perMinute: 0 } },
    bad: { [refused]: { perMinute: 9 } },
    delayMinutes: 2,
    clearMinutes: 4,
    also: ["PostgresConnectionsRefused warning"],
    shows: "18 within 5 min",
  },
  {
    alert: "PostgresIdleInTransaction",
    severity: "warning",
    good: { [`dbkeeper_observed_oldest_idle_in_transaction_seconds{${desi}}`]: 300 },
    bad: { [`dbkeeper_observed_oldest_idle_in_transaction_seconds{${desi}}`]: 301 },
    labels: inDatabase,
    says: "In desi on proj-pg01 somebody has begun a transaction and does nothing: its locks stay, and vacuum removes nothing that is younger. Usually a program that forgot to commit.",
    shows: "5m 1s",
    idle: { [`dbkeeper_observed_oldest_idle_in_transaction_seconds{${desi}}`]: 0 },
  },
  {
    alert: "PostgresLongTransaction",
    severity: "warning",
    good: { [`dbkeeper_observed_oldest_transaction_seconds{${desi}}`]: 3600 },
    bad: { [`dbkeeper_observed_oldest_transaction_seconds{${desi}}`]: 3601 },
    labels: inDatabase,
    says: "A transaction in desi on proj-pg01 goes on for longer than the longest backup: until it ends, vacuum removes nothing that is younger. See whether somebody still waits for it.",
    shows: "1h 0m 1s",
    idle: { [`dbkeeper_observed_oldest_transaction_seconds{${desi}}`]: 0 },
  },
  {
    ...waits,
    severity: "warning",
    good: { [lockWait]: 0.1 },
    bad: { [lockWait]: 0.11 },
    shows: "110ms",
    idle: { [lockWait]: 0 },
  },
  {
    ...waits,
    severity: "critical",
    good: { [lockWait]: 0.1 },
    bad: { [lockWait]: 0.51 },
    also: ["PostgresLockWait warning"],
    shows: "510ms",
    idle: { [lockWait]: 0 },
  },
  { ...queue, severity: "warning", good: { [blocked]: 5 }, bad: { [blocked]: 6 }, shows: "6 sessions" },
  {
    ...queue,
    severity: "critical",
    good: { [blocked]: 5 },
    bad: { [blocked]: 21 },
    also: ["PostgresSessionsBlocked warning"],
    shows: "21 sessions",
  },
];
