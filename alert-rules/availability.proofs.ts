import type { Proofs } from "./testing/proof.ts";

const host = 'job="node",instance="proj-pg01"';
const server = 'job="postgres",instance="proj-pg01",cluster="pg01"';

export const availabilityProofs: Proofs = [
  {
    alert: "HostDown",
    severity: "critical",
    good: { [`up{${host}}`]: 1 },
    bad: { [`up{${host}}`]: 0 },
    labels: { job: "node", instance: "proj-pg01" },
    says: "proj-pg01 does not answer Prometheus: it is off, cut off or hung.",
  },
  {
    alert: "PostgresExporterDown",
    severity: "critical",
    good: { [`up{${server}}`]: 1 },
    bad: { [`up{${server}}`]: 0 },
    labels: { job: "postgres", instance: "proj-pg01", cluster: "pg01" },
    says: "postgres_exporter on proj-pg01 does not answer: the state of the database is unknown.",
  },
  {
    alert: "PostgresDown",
    severity: "critical",
    good: { [`pg_up{${server}}`]: 1 },
    bad: { [`pg_up{${server}}`]: 0 },
    labels: { job: "postgres", instance: "proj-pg01", cluster: "pg01" },
    says: "postgres_exporter on proj-pg01 cannot connect to PostgreSQL.",
  },
  {
    alert: "PostgresRestarted",
    severity: "info",
    good: { [`pg_postmaster_start_time_seconds{${server}}`]: 1000 },
    bad: { [`pg_postmaster_start_time_seconds{${server}}`]: 2000 },
    // Going back to the old time counts as a change as well.
    clearMinutes: 14,
    labels: { job: "postgres", instance: "proj-pg01", cluster: "pg01" },
    says: "PostgreSQL on proj-pg01 was started again; all sessions were ended by it.",
    shows: "1 within 15 min",
  },
  {
    alert: "PostgresRestartLoop",
    severity: "critical",
    warmUpMinutes: 12,
    good: { [`pg_postmaster_start_time_seconds{${server}}`]: 1000 },
    bad: { [`pg_postmaster_start_time_seconds{${server}}`]: { cycle: [1000, 1100, 1200, 1300, 1400, 1500] } },
    delayMinutes: 3,
    clearMinutes: 27,
    also: ["PostgresRestarted info"],
    labels: { job: "postgres", instance: "proj-pg01", cluster: "pg01" },
    says: "PostgreSQL on proj-pg01 was started several times within half an hour: something ends it, such as a statement that crashes it, or too little memory.",
    shows: "3 within 30 min",
  },
];
