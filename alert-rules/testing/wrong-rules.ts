import { selectorsOf } from "../promql/expression.ts";
import { parseExpression } from "../promql/parse.ts";
import type { Alert, Recording, RuleGroup } from "../rule.ts";
import { mutantsOf, renamed } from "./mutations.ts";
import { alertOf, withRecordings } from "./promtool.ts";
import type { Proof } from "./proof.ts";
import type { RecordedTest } from "./recorded.ts";

type Rule = Alert | Recording;

/** The alerts of one name, what is recorded for them, and what proves them; or what a group records, and its tests. */
export interface Subject {
  readonly group: RuleGroup;
  readonly proofs: readonly Proof[];
  readonly recorded: readonly RecordedTest[];
  /** In the order in which they are evaluated. */
  readonly rules: readonly Rule[];
}

/** A rule with one thing wrong. */
export interface WrongRule {
  /** For the report. */
  readonly name: string;
  readonly rule: Rule;
  readonly expression: string;
  /** Whose proofs may notice it. */
  readonly subjects: readonly Subject[];
}

export function subjectsOf(
  groups: readonly RuleGroup[],
  proofs: Readonly<Record<string, readonly Proof[]>>,
  recorded: Readonly<Record<string, readonly RecordedTest[]>>,
): Subject[] {
  return groups.flatMap((group) => {
    const byName = Map.groupBy(proofs[group.name] ?? [], ({ alert }) => alert);
    const tests = recorded[group.name] ?? [];
    return [
      ...[...byName.values()].map((some) => ({
        group,
        proofs: some,
        recorded: [],
        // Of many rules alike, one for each expected thing, only those that are proven.
        rules: withRecordings([...new Set(some.map((proof) => alertOf(group, proof)))], groups),
      })),
      ...(tests.length > 0
        ? [{ group, proofs: [], recorded: tests, rules: withRecordings(recordingsOf(group), groups) }]
        : []),
    ];
  });
}

function recordingsOf({ rules }: RuleGroup): Rule[] {
  return rules.filter(({ kind }) => kind === "recording");
}

/** Every rule that some alert depends on, in every wrong form. */
export function wrongRulesOf(subjects: readonly Subject[]): WrongRule[] {
  const readers = new Map<Rule, Subject[]>();
  for (const subject of subjects)
    for (const rule of subject.rules) readers.set(rule, [...(readers.get(rule) ?? []), subject]);
  return [...readers].flatMap(([rule, some]) =>
    mutantsOf(rule.expression).map(({ expression, change }) => ({
      name: `${titleOf(rule)}: ${change}`,
      rule,
      expression,
      subjects: some,
    })),
  );
}

function titleOf(rule: Rule): string {
  if (rule.kind === "alert") return `${rule.name} ${rule.severity}`;
  return [rule.name, ...Object.values(rule.labels ?? {})].join(" ");
}

/** A rule as it is, and what stands for it where another is wrong. */
export interface Copy {
  readonly original: Rule;
  readonly copy: Rule;
}

/**
 * The rules of a subject with one wrong: copies, named with a suffix, of the wrong one and of all that read it.
 * Everything else is as it was, so that many can be tried beside each other. Without a wrong one, copies of the alerts.
 */
export function copiesOf(subject: Subject, suffix: string, wrong?: WrongRule): Copy[] {
  const spoilt = spoiltNames(subject.rules, wrong?.rule);
  const names = new Map([...spoilt].map((name) => [name, `${name}${suffix}`]));
  return subject.rules.flatMap((rule) => {
    const isCopied =
      rule.kind === "recording"
        ? spoilt.has(rule.name)
        : wrong === undefined || rule === wrong.rule || reads(rule, spoilt);
    if (!isCopied) return [];
    const expression = rule === wrong?.rule ? wrong.expression : rule.expression;
    const copy = { ...rule, name: `${rule.name}${suffix}`, expression: renamed(expression, names) };
    return [{ original: rule, copy }];
  });
}

/** The recordings that are no longer right: the wrong one, and all that depend on it. */
function spoiltNames(rules: readonly Rule[], wrong: Rule | undefined): ReadonlySet<string> {
  const spoilt = new Set(wrong?.kind === "recording" ? [wrong.name] : []);
  for (let before = -1; before < spoilt.size; ) {
    before = spoilt.size;
    for (const rule of rules) if (rule.kind === "recording" && reads(rule, spoilt)) spoilt.add(rule.name);
  }
  return spoilt;
}

function reads({ expression }: Rule, names: ReadonlySet<string>): boolean {
  return selectorsOf(parseExpression(expression)).some(({ metric }) => names.has(metric));
}
