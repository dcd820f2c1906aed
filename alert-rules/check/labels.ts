import { type Binary, type Expression, setOperators, walk } from "../promql/expression.ts";
import { type LabelSet, outputLabels } from "../promql/labels.ts";
import type { Alert } from "../rule.ts";
import { type Lookup, labelsFrom } from "./known.ts";

/** Labels by which an alert says where it is. */
const places = ["instance", "guest", "node", "cluster"] as const;

/** Operations that join nothing, alerts that do not say where, and texts with labels that will be empty. */
export function lostLabels(rule: Alert, expression: Expression, lookup: Lookup): string[] {
  const labels = outputLabels(expression, labelsFrom(lookup));
  const own = new Set([...(labels ?? []), ...Object.keys(rule.labels ?? {})]);
  const texts = [rule.description, rule.value ?? ""].join(" ");
  const used = [...texts.matchAll(/\$labels\.([a-zA-Z_]+)/g)].flatMap(([, label]) => label ?? []);
  // Templates see what the expression gives, not the labels that the rule adds.
  const missing = [...new Set(used)].filter((label) => !labels?.has(label));
  const isPlaced =
    rule.acrossInstances !== undefined || rule.severity === "none" || places.some((label) => own.has(label));
  return [
    ...missing.map((label) => `its text says {{ $labels.${label} }}, which the expression does not keep`),
    ...(isPlaced
      ? []
      : ["it does not tell where: aggregate `by (instance, …)`, or say why in acrossInstances"]),
  ];
}

/** Two sides whose series can never have the same labels. */
export function unmatchable(expression: Expression, text: string, lookup: Lookup): string[] {
  return [...walk(expression)].flatMap((part) => {
    if (part.kind !== "binary" || part.operator === "or") return [];
    const left = outputLabels(part.left, labelsFrom(lookup));
    const right = outputLabels(part.right, labelsFrom(lookup));
    if (left === undefined || right === undefined) return [];
    const problem = part.on ? missingOn(part.on, left, right) : unequal(part, left, right);
    return problem === undefined ? [] : [`${problem} in: ${text.slice(part.from, part.to)}`];
  });
}

function missingOn(on: readonly string[], left: LabelSet, right: LabelSet): string | undefined {
  const lacking = on.find((label) => !left?.has(label) || !right?.has(label));
  return lacking === undefined ? undefined : `one side has no label ${lacking} to match on`;
}

function unequal({ ignoring, operator }: Binary, left: LabelSet, right: LabelSet): string | undefined {
  const matched = (labels: LabelSet) =>
    [...(labels ?? [])].filter((label) => !ignoring?.includes(label)).toSorted();
  const [a, b] = [matched(left), matched(right)];
  if (a.join() === b.join()) return undefined;
  const hint = setOperators.has(operator) ? "on (instance)" : "on (instance) group_left";
  return `the sides differ in labels (${a.join(", ")} against ${b.join(", ")}): match with ${hint} or ignoring`;
}
