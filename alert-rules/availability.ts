import { type Alert, type Inventory, type RuleGroup, selector } from "./rule.ts";

/** Hosts and databases that are not there: each expected target has a rule of its own, so that a target that vanished
 * from the configuration or never came up is noticed as surely as one that went down. */
export function availability(inventory: Inventory): RuleGroup {
  const { hosts, clusters } = inventory;
  return {
    name: "availability",
    alerts: [
      ...hosts.map((host) => targetMissing(inventory, "node", host)),
      ...clusters.flatMap(({ primary, standbys }) =>
        [primary, ...standbys].map((host) => targetMissing(inventory, "postgres", host)),
      ),
      hostDown,
      exporterDown,
      postgresDown,
    ],
  };
}

const hostDown: Alert = {
  name: "HostDown",
  expression: 'up{job="node"} == 0',
  forSeconds: 60,
  severity: "critical",
  area: "availability",
  summary: "A host does not answer.",
  description: "{{ $labels.instance }} has not answered its node_exporter for a minute.",
};

const exporterDown: Alert = {
  name: "PostgresExporterDown",
  expression: 'up{job="postgres"} == 0',
  forSeconds: 60,
  severity: "critical",
  area: "availability",
  summary: "PostgreSQL is not watched.",
  description:
    "postgres_exporter on {{ $labels.instance }} does not answer: the state of the database is unknown.",
};

const postgresDown: Alert = {
  name: "PostgresDown",
  expression: 'pg_up{job="postgres"} == 0',
  // M3 and M4 of the requirements: down for one minute.
  forSeconds: 60,
  severity: "critical",
  area: "availability",
  summary: "A PostgreSQL server is down.",
  description: "postgres_exporter on {{ $labels.instance }} cannot connect to PostgreSQL.",
};

function targetMissing({ scrapeIntervalSeconds }: Inventory, job: string, instance: string): Alert {
  return {
    name: "TargetMissing",
    expression: `absent(${selector("up", { job, instance })})`,
    // Two scrapes at least, so that a reload of the configuration is no alert.
    forSeconds: Math.max(60, 2 * scrapeIntervalSeconds),
    severity: "critical",
    area: "availability",
    summary: "An expected target is not scraped at all.",
    description:
      "Prometheus has no target {{ $labels.instance }} for job {{ $labels.job }}, although the site has it.",
  };
}
