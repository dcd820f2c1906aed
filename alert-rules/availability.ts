import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";

/** Hosts and databases that do not answer, though they are scraped. */
export function availability(lab: Lab): RuleGroup {
  return {
    name: "availability",
    rules: [hostDown(lab), exporterDown(lab), postgresDown(lab), restarted(lab), restartLoop(lab)],
  };
}

const hostDown = (lab: Lab) =>
  alert({
    name: "HostDown",
    expression: 'up{job="node"} == 0',
    forSeconds: lab.limit("hostDown").forSeconds,
    severity: "critical",
    area: "availability",
    summary: "A host does not answer.",
    description: "{{ $labels.instance }} does not answer Prometheus: it is off, cut off or hung.",
  });

const exporterDown = (lab: Lab) =>
  alert({
    name: "PostgresExporterDown",
    expression: 'up{job="postgres"} == 0',
    forSeconds: lab.limit("hostDown").forSeconds,
    severity: "critical",
    area: "availability",
    summary: "PostgreSQL is not watched.",
    description:
      "postgres_exporter on {{ $labels.instance }} does not answer: the state of the database is unknown.",
  });

const postgresDown = (lab: Lab) =>
  alert({
    name: "PostgresDown",
    expression: 'pg_up{job="postgres"} == 0',
    forSeconds: lab.limit("postgresDown").forSeconds,
    severity: "critical",
    area: "availability",
    summary: "A PostgreSQL server is down.",
    description: "postgres_exporter on {{ $labels.instance }} cannot connect to PostgreSQL.",
  });

const restarts = (window: string) => `changes(pg_postmaster_start_time_seconds{job="postgres"}[${window}])`;

const restarted = (lab: Lab) => {
  const limit = lab.limit("postgresRestarted");
  return alert({
    name: "PostgresRestarted",
    expression: `${restarts(lab.window(900))} > ${limit.value}`,
    limit,
    severity: "info",
    area: "availability",
    summary: "A PostgreSQL server was started again.",
    description: "PostgreSQL on {{ $labels.instance }} was started again; all sessions were ended by it.",
    value: "{{ $value }} within 15 min",
  });
};

const restartLoop = (lab: Lab) => {
  const limit = lab.limit("postgresRestartLoop");
  return alert({
    name: "PostgresRestartLoop",
    expression: `${restarts(lab.window(1800))} > ${limit.value}`,
    limit,
    severity: "critical",
    area: "availability",
    summary: "A PostgreSQL server restarts again and again.",
    description:
      "PostgreSQL on {{ $labels.instance }} was started several times within half an hour: something ends it, such as a statement that crashes it, or too little memory.",
    value: "{{ $value }} within 30 min",
  });
};
