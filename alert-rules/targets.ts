import type { Lab } from "./lab.ts";
import { alert, type RuleGroup, selector } from "./rule.ts";

/**
 * Expected targets that are not scraped at all: each has a rule of its own, so that one that vanished from the
 * configuration or never came up is noticed as surely as one that went down.
 */
export function targets(lab: Lab): RuleGroup {
  const { hosts, clusters, others, monitoringHost } = lab;
  const expected: readonly (readonly [job: string, instance: string])[] = [
    ...hosts.map((host) => ["node", host] as const),
    ...clusters.flatMap(({ primary, standbys }) =>
      [primary, ...standbys].map((host) => ["postgres", host] as const),
    ),
    ...others.map(({ engine, guest }) => [engine, guest] as const),
    ["prometheus", monitoringHost],
    ["alertmanager", monitoringHost],
  ];
  return {
    name: "targets",
    rules: expected.map(([job, instance]) =>
      alert({
        name: "TargetMissing",
        expression: `absent(${selector("up", { job, instance })})`,
        // Two scrapes at least, so that a reload of the configuration is no alert.
        forSeconds: Math.max(lab.hold(60), 2 * lab.scrapeIntervalSeconds),
        severity: "critical",
        area: "availability",
        summary: "An expected target is not scraped at all.",
        description:
          "Prometheus has no target {{ $labels.instance }} for job {{ $labels.job }}, although the site has it: nothing is known of it.",
      }),
    ),
  };
}
