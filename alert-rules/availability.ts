import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";

/** Hosts and databases that do not answer, though they are scraped. */
export function availability(lab: Lab): RuleGroup {
  return { name: "availability", rules: [hostDown(lab), exporterDown(lab), postgresDown(lab)] };
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
