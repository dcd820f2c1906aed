import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ruleGroups, uncheckedGroups } from "./groups.ts";
import { renderRuleFile } from "./render.ts";
import { absencesOf, untold } from "./testing/absences.ts";
import { coverageOf, runbookProblems } from "./testing/coverage.ts";
import { idleLab } from "./testing/idle.ts";
import { testInventory } from "./testing/inventory.ts";
import { alertOf, firingTests } from "./testing/promtool.ts";
import { proofsByGroup } from "./testing/proofs.ts";
import { asksForRole, onOtherRole } from "./testing/roles.ts";

const runbooks = new URL("../runbooks/", import.meta.url);
const pages = new Map(
  readdirSync(runbooks).map((file) => [
    file.replace(/\.md$/, ""),
    readFileSync(new URL(file, runbooks), "utf8"),
  ]),
);
const groups = uncheckedGroups(testInventory);
const covered = coverageOf(
  groups.map((group) => ({
    rules: renderRuleFile(group, testInventory),
    tests: firingTests(group, proofsByGroup[group.name] ?? [], testInventory),
  })),
);
const names = [...new Set(covered.map(({ name }) => name))];

const absences = absencesOf(groups, proofsByGroup, idleLab(Object.values(proofsByGroup).flat()));
const told = new Set(absences.flatMap(({ alerts }) => [...alerts])).size;

const without = (isGood: (alert: (typeof covered)[number]) => boolean) =>
  covered.filter((alert) => !isGood(alert)).map(({ name, severity }) => `${name} ${severity}`);

it("has rules that Prometheus takes, on metrics that exist", () => {
  expect(() => ruleGroups(testInventory)).not.toThrow();
});

describe(`the rule set (${covered.length} alerts; absent inputs of ${told} are told)`, () => {
  it("has each alert seen firing", () => {
    expect(without(({ isSeenFiring }) => isSeenFiring)).toEqual([]);
  });

  it("has each alert seen silent", () => {
    expect(without(({ isSeenSilent }) => isSeenSilent)).toEqual([]);
  });

  // The others are those that tell, and the dead man's switch.
  it("has each alert's absent input told by another one", () => {
    expect(untold(groups, absences)).toEqual([]);
  });

  it("has each alert that asks for a role tried on a server of the other one", () => {
    const untried = groups.flatMap((group) =>
      (proofsByGroup[group.name] ?? []).filter(
        (proof) => asksForRole(alertOf(group, proof)) && onOtherRole(proof) === undefined,
      ),
    );
    expect(untried.map(({ alert, severity }) => `${alert} ${severity}`)).toEqual([]);
  });

  it("has a runbook for each alert", () => {
    expect(names.flatMap((name) => runbookProblems(name, pages.get(name)))).toEqual([]);
  });

  it("has no proof of an alert that is no more", () => {
    const proofs = Object.values(proofsByGroup).flat();
    expect(proofs.filter(({ alert }) => !names.includes(alert)).map(({ alert }) => alert)).toEqual([]);
  });

  it("has no runbook of an alert that is no more", () => {
    const orphans = [...pages.keys()].filter(
      (page) => /^[A-Z][A-Za-z]+$/.test(page) && page !== "README" && !names.includes(page),
    );
    expect(orphans).toEqual([]);
  });

  it("has summaries that fit into a line", () => {
    expect(without(({ summary }) => summary.length > 0 && summary.length < 80)).toEqual([]);
  });
});

describe("the reader of coverage", () => {
  const rules = "groups: [{name: g, rules: [{alert: A, expr: up == 0, labels: {severity: critical}}]}]";
  const seen = "alertname: A, exp_alerts: [{exp_labels: {severity: critical}}]";

  it.each([
    ["no test", "tests: []", false, false],
    ["a test of another alert", "tests: [{alert_rule_test: [{alertname: B, exp_alerts: []}]}]", false, false],
    [
      "a test that expects silence only",
      "tests: [{alert_rule_test: [{alertname: A, exp_alerts: []}]}]",
      false,
      false,
    ],
    ["a test that expects fire only", `tests: [{alert_rule_test: [{${seen}}]}]`, true, false],
    [
      "a test of fire and silence",
      `tests: [{alert_rule_test: [{${seen}}], promql_expr_test: [{expr: count(ALERTS), exp_samples: []}]}]`,
      true,
      true,
    ],
  ])("sees %s", (_, tests, isSeenFiring, isSeenSilent) => {
    expect(coverageOf([{ rules, tests: [tests] }])).toMatchObject([
      { name: "A", isSeenFiring, isSeenSilent },
    ]);
  });
});
