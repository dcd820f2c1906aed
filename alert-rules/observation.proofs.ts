import { selector } from "./rule.ts";
import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";
import type { Series, Values } from "./testing/series.ts";

const node = (instance: string) => ({ job: "node", instance, cluster: "pg01" });
const look = (instance: string, values: Values): Series => ({
  [selector("dbkeeper_observed_timestamp_seconds", { ...node(instance), part: "log" })]: values,
});
const seen = { ...look("proj-pg01", { ageSeconds: 60 }), ...look("proj-pg02", { ageSeconds: 60 }) };
const success = { ...node("proj-pg01"), part: "replication" };

export const observationProofs: Proofs = [
  ...onTopOf(seen, [
    {
      alert: "PostgresObservationFailing",
      severity: "warning",
      good: { [selector("dbkeeper_observed_success", success)]: 1 },
      bad: { [selector("dbkeeper_observed_success", success)]: 0 },
      labels: success,
      says: "dbkeeper on proj-pg01 cannot see the replication of its server: alerts on that are blind. A right is missing, or the server does not answer.",
      shows: "failed",
    },
  ]),
  {
    alert: "PostgresObservationStale",
    severity: "warning",
    good: { ...seen, ...look("proj-pg01", { ageSeconds: 600 }) },
    bad: look("proj-pg01", { ageSeconds: 660 }),
    labels: { instance: "proj-pg01", cluster: "pg01" },
    says: "dbkeeper has last looked at the server of proj-pg01 11m 0s ago; it should every minute. Many alerts see old figures.",
    shows: "11m 0s",
  },
  ...["proj-pg01", "proj-pg02"].map((instance) => ({
    alert: "PostgresObservationUnknown",
    severity: "warning" as const,
    good: seen,
    bad: look(instance, "absent"),
    labels: { job: "node", instance },
    says: `dbkeeper has told nothing of the server on ${instance}: replication, locks, logins and more are not watched there.`,
  })),
];
