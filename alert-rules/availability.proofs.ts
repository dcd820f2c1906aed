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
];
