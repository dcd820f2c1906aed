import type { Lab } from "./lab.ts";
import { alert, type RuleGroup, selector } from "./rule.ts";

/** Whether the looks at the servers that other alerts depend on happen: without them those stay silent. */
export function observation(lab: Lab): RuleGroup {
  const members = lab.clusters.flatMap(({ primary, standbys }) => [primary, ...standbys]);
  return {
    name: "observation",
    // What it reads is written once a minute.
    intervalSeconds: lab.every(60),
    rules:
      members.length === 0
        ? []
        : [failing(lab), stale(lab), ...members.map((instance) => unknown(lab, instance))],
  };
}

const failing = (lab: Lab) => {
  const limit = lab.limit("observationFailing");
  return alert({
    name: "PostgresObservationFailing",
    expression: `dbkeeper_observed_success{job="node"} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "monitoring",
    summary: "A part of a database server cannot be looked at.",
    description:
      "dbkeeper on {{ $labels.instance }} cannot see the {{ $labels.part }} of its server: alerts on that are blind. A right is missing, or the server does not answer.",
    value: "failed",
  });
};

/** A part that fails has an alert of its own; this is about a program that does not run. */
const stale = (lab: Lab) => {
  const limit = lab.limit("observationAge");
  return alert({
    name: "PostgresObservationStale",
    expression: `time() - max by (instance, cluster) (dbkeeper_observed_timestamp_seconds{job="node"}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "monitoring",
    summary: "Nobody looks at a database server any more.",
    description:
      "dbkeeper has last looked at the server of {{ $labels.instance }} {{ $value | humanizeDuration }} ago; it should every minute. Many alerts see old figures.",
    value: "{{ $value | humanizeDuration }}",
  });
};

function unknown(lab: Lab, instance: string) {
  return alert({
    name: "PostgresObservationUnknown",
    expression: `absent(${selector("dbkeeper_observed_timestamp_seconds", { job: "node", instance })})`,
    forSeconds: lab.limit("observationUnknown").forSeconds,
    severity: "warning",
    area: "monitoring",
    summary: "Nobody has ever looked at a database server.",
    description:
      "dbkeeper has told nothing of the server on {{ $labels.instance }}: replication, locks, logins and more are not watched there.",
  });
}
