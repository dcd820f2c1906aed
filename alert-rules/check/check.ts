import type { Inventory } from "../inventory.ts";
import { comparisons, type Expression, unwrap, walk } from "../promql/expression.ts";
import { PromqlError, parseExpression } from "../promql/parse.ts";
import type { Alert, Recording, RuleGroup } from "../rule.ts";
import { type AbsenceCheck, absenceCheck } from "./absence.ts";
import { unguardedDivisions } from "./division.ts";
import { type Lookup, lookupFor, unknownNames } from "./known.ts";
import { lostLabels, unmatchable } from "./labels.ts";
import { RuleError } from "./problem.ts";
import { misusedTypes } from "./types.ts";

/**
 * Refuses rules that Prometheus would not take, those that it would take though they can never fire, or always do, and
 * those that go silent with what they read while no other alert tells of it.
 *
 * @throws {RuleError} with every problem, by file and line
 */
export function checkRules(groups: readonly RuleGroup[], site: Inventory): void {
  const rules = groups.flatMap((group) => group.rules);
  const read = rules.map((rule) => ({ rule, ...readable(rule) }));
  const unreadable = read.flatMap(({ rule, message }) => (message === undefined ? [] : [{ rule, message }]));
  if (unreadable.length > 0) throw new RuleError(unreadable);
  const context = {
    lookup: lookupFor(groups),
    unnoticed: absenceCheck(groups, site),
    scrapeIntervalSeconds: site.scrapeIntervalSeconds,
  };
  const problems = read.flatMap(({ rule, expression }) =>
    expression ? messages(rule, expression, context).map((message) => ({ rule, message })) : [],
  );
  if (problems.length > 0) throw new RuleError(problems);
}

function readable({ expression }: Alert | Recording): { expression?: Expression; message?: string } {
  try {
    return { expression: parseExpression(expression) };
  } catch (error) {
    if (error instanceof PromqlError) return { message: error.message };
    throw error;
  }
}

/** What rules are held against besides themselves. */
interface Context {
  readonly lookup: Lookup;
  readonly unnoticed: AbsenceCheck;
  readonly scrapeIntervalSeconds: number;
}

function messages(
  rule: Alert | Recording,
  expression: Expression,
  { lookup, unnoticed, scrapeIntervalSeconds }: Context,
): string[] {
  return [
    ...unknownNames(expression, lookup),
    ...misusedTypes(expression, lookup),
    ...unguardedDivisions(expression, rule.expression),
    ...unmatchable(expression, rule.expression, lookup),
    ...(rule.kind === "alert"
      ? [
          ...lostLabels(rule, expression, lookup),
          ...unnoticed(expression),
          ...formOf(rule),
          ...timing(rule, expression, scrapeIntervalSeconds),
        ]
      : formOfRecording(rule)),
  ];
}

function formOf({ name, summary, severity, value, limit }: Alert): string[] {
  return [
    ...(/^[A-Z][A-Za-z0-9]+$/.test(name) ? [] : ["an alert's name is CamelCase"]),
    ...(summary.length < 80 ? [] : [`its summary has ${summary.length} characters, 79 at most`]),
    ...(summary.endsWith(".") && !summary.includes("{{")
      ? []
      : ["its summary is one static sentence with a full stop"]),
    ...(limit && value === undefined && severity !== "none"
      ? ["it compares with a figure: give the value to be shown beside it"]
      : []),
  ];
}

function formOfRecording({ name }: Recording): string[] {
  return /^[a-z_]+:[a-z0-9_]+:[a-z0-9_]+$/.test(name) ? [] : ["a recording's name is level:metric:operation"];
}

const windows = new Set(["changes", "increase", "resets"]);

function timing(
  { forSeconds, severity }: Alert,
  expression: Expression,
  scrapeIntervalSeconds: number,
): string[] {
  const parts = [...walk(expression)];
  const isAbsent = parts.some((part) => part.kind === "call" && part.name === "absent");
  const isEvent = parts.some((part) => part.kind === "call" && windows.has(part.name));
  if (severity === "none") return [];
  return [
    ...(isCondition(expression) ? [] : ["it compares nothing and would always fire"]),
    ...(isAbsent && forSeconds < 2 * scrapeIntervalSeconds
      ? [
          `absent() needs a \`for\` of two scrapes (${2 * scrapeIntervalSeconds} s): one is missed now and then`,
        ]
      : []),
    ...(forSeconds > 0 || isEvent ? [] : ["without `for`, a single bad sample fires it"]),
  ];
}

function isCondition(expression: Expression): boolean {
  const inner = unwrap(expression);
  if (inner.kind === "call") return inner.name.startsWith("absent") || inner.arguments.some(isCondition);
  if (inner.kind === "aggregation") return inner.arguments.some(isCondition);
  if (inner.kind !== "binary") return false;
  if (comparisons.has(inner.operator)) return !inner.isBool;
  if (inner.operator === "or") return isCondition(inner.left) && isCondition(inner.right);
  return isCondition(inner.left) || isCondition(inner.right);
}
