import { stringify } from "yaml";
import { selectorsOf } from "../promql/expression.ts";
import { parseExpression } from "../promql/parse.ts";
import { annotationsOf, type Links, renderRuleFile } from "../render.ts";
import type { Alert, Recording, RuleGroup } from "../rule.ts";
import { firingAt, neverFired, onlyOthers, stillFiring } from "./expectations.ts";
import type { Proof } from "./proof.ts";
import { asksForRole, onOtherRole } from "./roles.ts";
import type { RuleTests } from "./run-promtool.ts";
import { type Course, type Courses, promtoolValues, type Series } from "./series.ts";

type Rule = Alert | Recording;

/** When what happens in a proof, in minutes from its begin. */
export interface Timeline {
  readonly badFrom: number;
  readonly firesAt: number;
  readonly goodFrom: number;
  readonly endsAt: number;
  /** When nothing more is looked at. */
  readonly lasts: number;
}

export function timelineOf(alert: Alert, proof: Proof): Timeline {
  const step = proof.stepMinutes ?? 1;
  const whole = (minutes: number) => Math.ceil(minutes / step) * step;
  const badFrom = whole(proof.warmUpMinutes ?? 10);
  const firesAt = badFrom + whole(proof.delayMinutes ?? 0) + whole(alert.forSeconds / 60);
  const goodFrom = firesAt + 2 * step;
  const keep = whole((alert.keepFiringForSeconds ?? 0) / 60);
  const endsAt = goodFrom + whole(proof.clearMinutes ?? 0) + keep;
  return { badFrom, firesAt, goodFrom, endsAt, lasts: endsAt + 2 * step };
}

/**
 * What promtool is given for the proofs of a group: how its alerts fire among all others of the group, and how they
 * stay silent elsewhere, for which nothing but they is needed.
 */
export function proofTests(
  group: RuleGroup,
  all: readonly RuleGroup[],
  proofs: readonly Proof[],
  links: Links,
): RuleTests[] {
  const elsewhere = [...Map.groupBy(proofs, ({ alert }) => alert)].map(([name, some]) => ({
    rules: renderRuleFile({ name: group.name, rules: rulesNamed(name, group, all) }, links),
    tests: inFiles(some, (proof) => silentTests(alertOf(group, proof), proof)),
  }));
  return [
    { rules: rulesUnderTest(group, all, links), tests: firingTests(group, proofs, links) },
    ...elsewhere.filter(({ tests }) => tests.length > 0),
  ];
}

/** How the alerts of a group fire, wait, say and end, as promtool's tests, a file for each step. */
export function firingTests(group: RuleGroup, proofs: readonly Proof[], links: Links): string[] {
  return inFiles(proofs, (proof) => [firingTest(alertOf(group, proof), group, proof, links)]);
}

function inFiles(proofs: readonly Proof[], testsOf: (proof: Proof) => object[]): string[] {
  const bySteps = Map.groupBy(proofs, ({ stepMinutes = 1 }) => stepMinutes);
  return [...bySteps].flatMap(([step, some]) => {
    const tests = some.flatMap(testsOf);
    return tests.length > 0 ? [testFile(tests, step)] : [];
  });
}

export function testFile(tests: readonly object[], stepMinutes: number): string {
  return stringify(
    { rule_files: ["rules.yml"], evaluation_interval: `${stepMinutes}m`, tests },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

/** The rules that a group is tested with: its own, and of what others record just what they read. */
export function rulesUnderTest(group: RuleGroup, all: readonly RuleGroup[], links: Links): string {
  return renderRuleFile({ name: group.name, rules: withRecordings(group.rules, all) }, links);
}

/** The alerts of a name, and what is recorded for them. */
function rulesNamed(name: string, group: RuleGroup, all: readonly RuleGroup[]): Rule[] {
  return withRecordings(
    group.rules.filter((rule) => rule.kind === "alert" && rule.name === name),
    all,
  );
}

/** Rules behind all that is recorded for them, so that one look at them all is enough. */
export function withRecordings(rules: readonly Rule[], all: readonly RuleGroup[]): Rule[] {
  const recorded = recordingsFor(
    rules,
    all.flatMap((group) => group.rules),
  );
  return [...recorded, ...rules.filter((rule) => !recorded.includes(rule))];
}

/** The recordings that rules read, and those that these read, each behind what it reads itself. */
export function recordingsFor(rules: readonly Rule[], all: readonly Rule[]): Rule[] {
  const recordings = all.filter(({ kind }) => kind === "recording");
  const seen = new Set<Rule>();
  const ordered: Rule[] = [];
  const add = (expression: string) => {
    const names = new Set(selectorsOf(parseExpression(expression)).map(({ metric }) => metric));
    for (const recording of recordings) {
      if (!names.has(recording.name) || seen.has(recording)) continue;
      seen.add(recording);
      add(recording.expression);
      ordered.push(recording);
    }
  };
  for (const { expression } of rules) add(expression);
  return ordered;
}

export function alertOf(group: RuleGroup, { alert: name, severity, labels }: Proof): Alert {
  const candidates = group.rules.filter(
    (rule) => rule.kind === "alert" && rule.name === name && rule.severity === severity,
  ) as Alert[];
  // One rule for each expected thing: that of this thing, which names most of its labels.
  const named = (alert: Alert) => {
    const text = JSON.stringify(alert);
    return Object.values(labels).filter((value) => text.includes(value)).length;
  };
  const [found] = candidates.toSorted((a, b) => named(b) - named(a));
  if (!found) throw new Error(`group ${group.name} has no alert ${name} of severity ${severity}`);
  return found;
}

function firingTest(alert: Alert, group: RuleGroup, proof: Proof, links: Links): object {
  if (alert.severity === "none") return alwaysFiring(group, proof, links);
  const { stepMinutes: step = 1 } = proof;
  const timeline = timelineOf(alert, proof);
  const { badFrom, firesAt, goodFrom, endsAt } = timeline;
  const own = `${proof.alert} ${proof.severity}`;
  return {
    name: `${own}: fires and ends`,
    interval: `${step}m`,
    input_series: badInput(proof, timeline),
    promql_expr_test: [
      firingAt(badFrom - step, []),
      ...(firesAt - step >= badFrom ? [onlyOthers(firesAt - step, own, proof.also ?? [])] : []),
      firingAt(firesAt, [own, ...(proof.also ?? [])]),
      ...(endsAt - step >= goodFrom ? [stillFiring(endsAt - step, proof)] : []),
      onlyOthers(endsAt, own, proof.also ?? []),
    ],
    alert_rule_test: [
      {
        eval_time: `${firesAt}m`,
        alertname: proof.alert,
        exp_alerts: expected(group, proof, links),
      },
    ],
  };
}

function silentTests(alert: Alert, proof: Proof): object[] {
  const timeline = timelineOf(alert, proof);
  return elsewhereInputs(alert, proof, timeline).map((input) => ({
    name: `${proof.alert} ${proof.severity}: silent elsewhere`,
    interval: `${proof.stepMinutes ?? 1}m`,
    input_series: input,
    promql_expr_test: [neverFired(timeline.lasts, proof)],
  }));
}

/** The series of a proof: good, then bad, then good again. */
export function badInput({ always = {}, good, bad, stepMinutes: step = 1 }: Proof, at: Timeline): object[] {
  const samples = {
    good: at.badFrom / step,
    bad: (at.goodFrom - at.badFrom) / step,
    after: (at.lasts - at.goodFrom) / step + 1,
  };
  return inputSeries(always, good, bad, samples, step);
}

/** The series of a proof where the same means nothing, for each such place; and on a server of the other role. */
export function elsewhereInputs(alert: Alert, proof: Proof, { lasts }: Timeline): object[][] {
  const { always = {}, elsewhere = [], stepMinutes: step = 1 } = proof;
  const other = asksForRole(alert) ? onOtherRole(proof) : undefined;
  return [elsewhere, other ?? []]
    .flat()
    .map((series) => inputSeries(always, series, {}, { good: lasts / step + 1, bad: 0, after: 0 }, step));
}

/** The dead man's switch knows no good and no bad: it fires from the first evaluation on, alone. */
function alwaysFiring(group: RuleGroup, proof: Proof, links: Links): object {
  return {
    name: `${proof.alert} ${proof.severity}: always fires`,
    interval: "1m",
    input_series: [],
    promql_expr_test: [
      firingAt(1, [`${proof.alert} ${proof.severity}`]),
      { expr: `count(ALERTS{alertname!="${proof.alert}"})`, eval_time: "60m", exp_samples: [] },
    ],
    alert_rule_test: [0, 60].map((at) => ({
      eval_time: `${at}m`,
      alertname: proof.alert,
      exp_alerts: expected(group, proof, links),
    })),
  };
}

/** Labels and words of all alerts of the name that fire then. */
function expected(group: RuleGroup, proof: Proof, links: Links): object[] {
  return expectedAlerts(group, proof).map((alert) => wordsOf(alert, proof, links));
}

/** All alerts of the name that fire in a proof: with the critical one its warning. */
export function expectedAlerts(group: RuleGroup, proof: Proof): Alert[] {
  return [`${proof.alert} ${proof.severity}`, ...(proof.also ?? [])]
    .filter((name) => name.startsWith(`${proof.alert} `))
    .map((name) => alertOf(group, { ...proof, severity: name.split(" ")[1] as Alert["severity"] }));
}

/** What a firing alert says in a proof, as promtool expects it. */
export function wordsOf(alert: Alert, proof: Proof, links: Links): object {
  return {
    exp_labels: { ...proof.labels, severity: alert.severity, area: alert.area },
    exp_annotations: {
      ...annotationsOf(alert, links),
      description: proof.says,
      ...(proof.shows === undefined ? {} : { value: proof.shows }),
    },
  };
}

function inputSeries(
  always: Series,
  good: Courses,
  bad: Courses,
  samples: { readonly good: number; readonly bad: number; readonly after: number },
  stepMinutes: number,
): object[] {
  const names = [...new Set([...Object.keys(always), ...Object.keys(good), ...Object.keys(bad)])];
  return names.map((name) => {
    const usual: Course = good[name] ?? always[name] ?? "absent";
    const phases = [
      { values: usual, samples: samples.good },
      { values: bad[name] ?? usual, samples: samples.bad },
      { values: usual, samples: samples.after },
    ];
    return { series: name, values: promtoolValues(phases, stepMinutes) };
  });
}
