import { expect, it } from "vitest";
import { groupStates, plainMetric } from "./group-metrics.ts";

const text = `# TYPE prometheus_rule_group_interval_seconds gauge
prometheus_rule_group_interval_seconds{rule_group="/tmp/rules/hosts.yml;hosts"} 60
prometheus_rule_group_iterations_missed_total{rule_group="/tmp/rules/hosts.yml;hosts"} 1
prometheus_rule_group_last_duration_seconds{rule_group="/tmp/rules/hosts.yml;hosts"} 0.25
prometheus_rule_group_last_evaluation_timestamp_seconds{rule_group="/tmp/rules/hosts.yml;hosts"} 1.8e+09
prometheus_rule_group_rules{rule_group="/tmp/rules/hosts.yml;hosts"} 24
prometheus_rule_evaluation_failures_total{rule_group="/tmp/rules/hosts.yml;hosts"} 2
prometheus_tsdb_head_series 1.5e+06
`;

it("reads what Prometheus says of its groups of rules", () => {
  expect(groupStates(text)).toEqual(
    new Map([
      [
        "hosts",
        {
          intervalSeconds: 60,
          durationSeconds: 0.25,
          evaluatedAt: 1.8e9,
          rules: 24,
          missed: 1,
          failures: 2,
        },
      ],
    ]),
  );
  expect(plainMetric(text, "prometheus_tsdb_head_series")).toBe(1_500_000);
});
