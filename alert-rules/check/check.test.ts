import { describe, expect, it } from "vitest";
import { alert, type RuleGroup, record } from "../rule.ts";
import { testInventory } from "../testing/inventory.ts";
import { checkRules } from "./check.ts";
import { RuleError } from "./problem.ts";

const good = {
  name: "Example",
  forSeconds: 60,
  severity: "warning",
  area: "availability",
  summary: "Something is wrong.",
  description: "{{ $labels.instance }} is wrong.",
} as const;

/** Who notices that an exporter is silent. */
const partner = alert({ ...good, name: "TargetMissing", expression: 'absent(up{job="node",instance="x"})' });

function check(rules: RuleGroup["rules"]) {
  checkRules([{ name: "example", rules: [...rules, partner] }], testInventory);
}

function complaints(rules: RuleGroup["rules"]): readonly string[] {
  try {
    check(rules);
    return [];
  } catch (error) {
    if (error instanceof RuleError) return error.problems.map(({ message }) => message);
    throw error;
  }
}

const commits = 'rate(pg_stat_database_xact_commit{job="postgres"}[5m])';
const rollbacks = 'rate(pg_stat_database_xact_rollback{job="postgres"}[5m])';

describe("rules are refused", () => {
  it.each([
    ["a syntax error", 'pg_up{job="postgres" == 0', 'syntax error at "== 0" in: pg_up{job="postgres" == 0'],
    ["a metric that nobody exports", "pg_uptime == 0", "nobody exports pg_uptime: it would never fire"],
    [
      "a label that the metric has not",
      'pg_replication_lag_seconds{datname="x"} > 1',
      "pg_replication_lag_seconds has no label datname, only cluster, instance, job, site",
    ],
    [
      "a rate of a gauge",
      "rate(pg_stat_activity_max_tx_duration[5m]) > 120",
      "rate() of the gauge pg_stat_activity_max_tx_duration is no rate of anything",
    ],
    [
      "a forecast of a counter",
      "predict_linear(pg_stat_database_xact_commit[1h], 3600) > 1",
      "predict_linear() of the counter pg_stat_database_xact_commit jumps when it is reset: take its rate first",
    ],
    [
      "a counter compared with a figure",
      "pg_stat_archiver_failed_count > 0",
      "> of the counter pg_stat_archiver_failed_count, which only grows: compare its increase over a window",
    ],
    [
      "a sum without instance",
      "sum(pg_stat_activity_count) > 90",
      "its text says {{ $labels.instance }}, which the expression does not keep",
      "it does not tell where: aggregate `by (instance, …)`, or say why in acrossInstances",
    ],
    [
      "a ratio that an idle lab trips",
      `${rollbacks} / ${commits} > 0.1`,
      `nothing keeps the divisor from zero: add \`and ${commits} > FLOOR\`, with how much traffic it takes to mean something`,
    ],
    [
      "sides that can never match",
      "pg_stat_database_numbackends > pg_settings_max_connections",
      "the sides differ in labels (cluster, datid, datname, instance, job, site against cluster, instance, job, server, site): match with on (instance) group_left or ignoring in: pg_stat_database_numbackends > pg_settings_max_connections",
    ],
    [
      "matching on what one side has not",
      "pg_stat_database_numbackends > on (datname) group_left pg_settings_max_connections",
      "one side has no label datname to match on in: pg_stat_database_numbackends > on (datname) group_left pg_settings_max_connections",
    ],
    ["what always fires", "pg_up", "it compares nothing and would always fire"],
  ])("for %s", (_, expression, ...messages) => {
    expect(complaints([alert({ ...good, expression })])).toEqual(messages);
  });

  it.each([
    [
      "an impatient absence",
      { expression: 'absent(up{job="node",instance="x"})', forSeconds: 15 },
      /two scrapes/,
    ],
    ["a single bad sample", { expression: "pg_up == 0", forSeconds: 0 }, /single bad sample/],
    [
      "a long summary",
      { expression: "pg_up == 0", summary: `${"x".repeat(79)}.` },
      /80 characters, 79 at most/,
    ],
    ["a summary with a template", { expression: "pg_up == 0", summary: "{{ $value }}." }, /static sentence/],
    ["a name in lower case", { expression: "pg_up == 0", name: "example" }, /CamelCase/],
    [
      "a label in its text that is not there",
      { expression: "pg_up == 0", description: "{{ $labels.datname }}" },
      /says \{\{ \$labels\.datname \}\}/,
    ],
  ])("for %s", (_, change, message) => {
    expect(complaints([alert({ ...good, ...change })]).join()).toMatch(message);
  });

  it("with file and line", () => {
    const wrong = alert({ ...good, expression: "pg_uptime == 0" });
    expect(() => check([wrong])).toThrow(/^check\/check\.test\.ts:\d+: Example: nobody exports pg_uptime/);
  });

  it("for labels that a recording has lost", () => {
    const recording = record({ name: "instance:pg_xact:rate", expression: `sum by (instance) (${commits})` });
    const rule = alert({ ...good, expression: 'instance:pg_xact:rate{datname="x"} > 1' });
    expect(complaints([recording, rule])).toEqual([
      "instance:pg_xact:rate has no label datname, only instance",
    ]);
  });
});

describe("rules are taken", () => {
  it.each([
    ["a simple comparison", 'pg_up{job="postgres"} == 0'],
    ["a ratio with a floor of traffic", `${rollbacks} / ${commits} > 0.1 and ${commits} > 1`],
    [
      "a ratio of a size",
      "pg_replication_slot_slot_is_active / on (instance) group_left node_memory_MemTotal_bytes < 0.1",
    ],
    [
      "a match with a wider side",
      "pg_stat_database_numbackends > on (instance) group_left pg_settings_max_connections",
    ],
    ["a counter's increase", "increase(pg_stat_archiver_failed_count[15m]) > 0"],
    ["a role guard", "pg_replication_lag_seconds > 30 and on (instance) pg_replication_is_replica == 1"],
    ["an absence", 'absent(up{job="node",instance="x"})'],
  ])("with %s", (_, expression) => {
    expect(complaints([alert({ ...good, expression })])).toEqual([]);
  });
});
