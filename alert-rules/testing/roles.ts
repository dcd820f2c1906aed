import { selectorsOf } from "../promql/expression.ts";
import { parseExpression } from "../promql/parse.ts";
import type { Alert } from "../rule.ts";
import type { Proof } from "./proof.ts";
import type { Courses } from "./series.ts";

/** What tells a standby (1) from a primary (0). */
const roleMetrics: ReadonlySet<string> = new Set([
  "pg_replication_is_replica",
  "dbkeeper_observed_in_recovery",
]);

/** Whether an alert is about servers of one role only. */
export function asksForRole({ expression }: Alert): boolean {
  return selectorsOf(parseExpression(expression)).some(({ metric }) => roleMetrics.has(metric));
}

/** What is too bad in a proof, on a server of the other role; undefined where the proof knows no role of its server. */
export function onOtherRole({ always, good, bad, labels: { instance } }: Proof): Courses | undefined {
  const all: Courses = { ...always, ...good, ...bad };
  const roles = Object.entries(all).filter(
    ([name]) =>
      roleMetrics.has(name.replace(/\{.*/s, "")) &&
      (instance === undefined || name.includes(`instance="${instance}"`)),
  );
  if (roles.length === 0) return undefined;
  return {
    ...all,
    ...Object.fromEntries(
      roles.map(([name, value]) => [name, typeof value === "number" ? 1 - value : value]),
    ),
  };
}
