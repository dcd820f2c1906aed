import { availableParallelism } from "node:os";
import { mapParallel } from "../../scripts/system/parallel.ts";
import { type Links, renderRuleFile } from "../render.ts";
import type { Alert } from "../rule.ts";
import { renamed } from "./mutations.ts";
import {
  alertOf,
  badInput,
  elsewhereInputs,
  expectedAlerts,
  testFile,
  timelineOf,
  wordsOf,
} from "./promtool.ts";
import type { Proof } from "./proof.ts";
import type { RecordedTest } from "./recorded.ts";
import { type RuleTests, runPromtoolOn } from "./run-promtool.ts";
import { type Copy, copiesOf, type Subject, type WrongRule } from "./wrong-rules.ts";

/** So many subjects share a start of promtool. */
const subjectsAtOnce = 8;

/**
 * Of the wrong rules those that no proof notices. All that are wrong in one subject are evaluated beside each other on
 * the same series, which takes a small part of the time that a run of each would.
 *
 * @throws {Error} where a proof does not hold of the right rules either
 */
export async function unnoticed(wrongs: readonly WrongRule[], links: Links): Promise<WrongRule[]> {
  const survivors: WrongRule[] = [];
  let pending = wrongs;
  // What several subjects read is tried on one after the other.
  for (let round = 0; pending.length > 0; round++) {
    const bySubject = Map.groupBy(pending, ({ subjects }) => subjects[round]);
    survivors.push(...(bySubject.get(undefined) ?? []));
    const batches = chunked(
      [...bySubject].flatMap(([subject, some]) => (subject ? [{ subject, wrongs: some }] : [])),
    );
    pending = (await mapParallel(batches, availableParallelism(), (batch) => tried(batch, links))).flat();
  }
  return survivors;
}

interface Trial {
  readonly subject: Subject;
  readonly wrongs: readonly WrongRule[];
}

function chunked(trials: readonly Trial[]): Trial[][] {
  return Array.from({ length: Math.ceil(trials.length / subjectsAtOnce) }, (_, index) =>
    trials.slice(index * subjectsAtOnce, (index + 1) * subjectsAtOnce),
  );
}

/** Those of a batch that no test noticed: the cheapest tests first, and what was noticed is tried no more. */
async function tried(batch: readonly Trial[], links: Links): Promise<WrongRule[]> {
  const ids = new Map(batch.flatMap(({ wrongs }) => wrongs).map((wrong, id) => [wrong, `_wrong${id}`]));
  const noticed = new Set<string>();
  const unnoticedOf = (wrongs: readonly WrongRule[]) =>
    wrongs.filter((wrong) => !noticed.has(ids.get(wrong) ?? ""));
  const turns = Math.max(...batch.map(({ subject }) => testsOf(subject, links).length));
  for (let turn = 0; turn < turns; turn++) {
    for (let hasEnded = false; !hasEnded; ) {
      const cases = batch.flatMap(({ subject, wrongs }) => {
        const test = testsOf(subject, links)[turn];
        const left = unnoticedOf(wrongs);
        return test && left.length > 0 ? [filesOf(subject, test, left, ids, links)] : [];
      });
      const said = await runPromtoolOn(cases);
      if (said.includes(right)) throw new Error(`a proof fails on right rules:\n${said}`);
      const before = noticed.size;
      for (const [id] of said.matchAll(/_wrong\d+\b/g)) noticed.add(id);
      if (said !== "" && noticed.size === before) throw new Error(`promtool blames no wrong rule:\n${said}`);
      // promtool ends a test where a rule cannot be evaluated, such as one that matches many with many.
      hasEnded = !/^ +rule: \S+, time: /m.test(said);
    }
  }
  return unnoticedOf(batch.flatMap(({ wrongs }) => wrongs));
}

/** A file of tests of variants beside each other. */
type VariantTest = (variants: readonly Variant[]) => string;

function testsOf(subject: Subject, links: Links): VariantTest[] {
  const { group, proofs, recorded } = subject;
  const evaluations = (proof: Proof) =>
    (timelineOf(alertOf(group, proof), proof).lasts * (1 + [proof.elsewhere ?? []].flat().length)) /
    (proof.stepMinutes ?? 1);
  const sorted = proofs.toSorted((a, b) => evaluations(a) - evaluations(b));
  return [
    ...sorted.map(
      (proof): VariantTest =>
        (variants) =>
          testFile(proofTestsOf(subject, proof, variants, links), proof.stepMinutes ?? 1),
    ),
    ...(recorded.length > 0
      ? [(variants: readonly Variant[]) => testFile(recordedTestsOf(recorded, variants), 1)]
      : []),
  ];
}

/** The same of what each variant records under its own names. */
function recordedTestsOf(recorded: readonly RecordedTest[], variants: readonly Variant[]): object[] {
  return recorded.map((test) => ({
    ...test,
    promql_expr_test: variants.flatMap(({ copies }) => {
      const names = new Map(copies.map(({ original, copy }) => [original.name, copy.name]));
      return test.promql_expr_test.flatMap((check) => {
        const expr = renamed(check.expr, names);
        return expr === check.expr ? [] : [{ ...check, expr }];
      });
    }),
  }));
}

/** The suffix of the alerts as they should be: where one of these is noticed, nothing else that was says anything. */
const right = "_right";

function filesOf(
  subject: Subject,
  test: VariantTest,
  wrongs: readonly WrongRule[],
  ids: ReadonlyMap<WrongRule, string>,
  links: Links,
): RuleTests {
  const variants = [
    { suffix: right, copies: copiesOf(subject, right) },
    ...wrongs.map((wrong) => {
      const suffix = ids.get(wrong) ?? "";
      return { suffix, copies: copiesOf(subject, suffix, wrong) };
    }),
  ];
  const rules = subject.rules.flatMap((rule) => [
    ...(rule.kind === "recording" ? [rule] : []),
    ...variants.flatMap(({ copies }) =>
      copies.filter(({ original }) => original === rule).map(({ copy }) => copy),
    ),
  ]);
  return {
    rules: renderRuleFile({ name: subject.group.name, rules }, links),
    tests: [test(variants)],
  };
}

interface Variant {
  readonly suffix: string;
  readonly copies: readonly Copy[];
}

/** The tests of a proof, for each variant by itself. */
function proofTestsOf(
  { group }: Subject,
  proof: Proof,
  variants: readonly Variant[],
  links: Links,
): object[] {
  const proven = alertOf(group, proof);
  const timeline = timelineOf(proven, proof);
  const expected = expectedAlerts(group, proof);
  const interval = `${proof.stepMinutes ?? 1}m`;
  const main = {
    interval,
    input_series: badInput(proof, timeline),
    promql_expr_test: variants.flatMap((variant) => checksOf(proof, proven, expected, variant)),
    alert_rule_test: variants.map(({ suffix, copies }) => ({
      eval_time: `${timeline.firesAt}m`,
      alertname: `${proof.alert}${suffix}`,
      exp_alerts: firing(copies, expected).map((alert) => wordsOf(alert, proof, links)),
    })),
  };
  const silent = variants.map(({ suffix }) => ({
    expr: `count_over_time(${firingAlerts(proof, suffix)}[${timeline.lasts}m])`,
    eval_time: `${timeline.lasts}m`,
    exp_samples: [],
  }));
  return [
    main,
    ...elsewhereInputs(proven, proof, timeline).map((input) => ({
      interval,
      input_series: input,
      promql_expr_test: silent,
    })),
  ];
}

/** What the proof expects when, of the copies only: with all else as it should be, nothing else can differ. */
function checksOf(
  proof: Proof,
  proven: Alert,
  expected: readonly Alert[],
  { suffix, copies }: Variant,
): object[] {
  const { stepMinutes: step = 1 } = proof;
  const { badFrom, firesAt, goodFrom, endsAt } = timelineOf(proven, proof);
  const own = `count(${firingAlerts(proof, suffix, proof.severity)})`;
  const check = (minutes: number, expr: string, samples: readonly object[]) => ({
    expr,
    eval_time: `${minutes}m`,
    exp_samples: samples,
  });
  const isProvenCopied = copies.some(({ original }) => original === proven);
  return [
    check(badFrom - step, `count(${firingAlerts(proof, suffix)})`, []),
    ...(firesAt - step >= badFrom ? [check(firesAt - step, own, [])] : []),
    check(
      firesAt,
      `count by (severity) (${firingAlerts(proof, suffix)}) > bool 0`,
      [...new Set(firing(copies, expected).map(({ severity }) => severity))].map((severity) => ({
        labels: `{severity="${severity}"}`,
        value: 1,
      })),
    ),
    ...(isProvenCopied && endsAt - step >= goodFrom
      ? [check(endsAt - step, `${own} > bool 0`, [{ labels: "{}", value: 1 }])]
      : []),
    check(endsAt, own, []),
  ];
}

/** Of the copies, those that should fire. */
function firing(copies: readonly Copy[], expected: readonly Alert[]): Alert[] {
  return copies.flatMap(({ original, copy }) =>
    copy.kind === "alert" && expected.some((alert) => alert === original) ? [copy] : [],
  );
}

function firingAlerts({ alert }: Proof, suffix: string, severity?: string): string {
  const only = severity === undefined ? "" : `,severity="${severity}"`;
  return `ALERTS{alertstate="firing",alertname="${alert}${suffix}"${only}}`;
}
