import { type Expression, type Selector, setOperators } from "./expression.ts";

/** The labels that the series of an expression carry; undefined for a number. */
export type LabelSet = ReadonlySet<string> | undefined;

/** Tells the labels of a selector's series, the target's own included. */
export type LabelsOfSelector = (selector: Selector) => ReadonlySet<string>;

const constants = new Set(["time", "scalar", "pi", "vector"]);
const absences = new Set(["absent", "absent_over_time"]);
/** Functions whose series come from an argument that is not the first. */
const vectorArgument: Readonly<Record<string, number>> = { histogram_quantile: 1, quantile_over_time: 1 };

/** The labels that come out of an expression, as Prometheus' matching rules make them. */
export function outputLabels(expression: Expression, labelsOf: LabelsOfSelector): LabelSet {
  const inner = (part: Expression) => outputLabels(part, labelsOf);
  switch (expression.kind) {
    case "selector":
      return labelsOf(expression);
    case "range":
    case "wrapped":
      return inner(expression.of);
    case "number":
    case "string":
      return undefined;
    case "aggregation": {
      const of = inner(expression.arguments.at(-1) ?? expression) ?? new Set();
      if (["topk", "bottomk", "limitk"].includes(expression.operator)) return of;
      if (expression.by) return new Set(expression.by);
      return expression.without ? minus(of, expression.without) : new Set();
    }
    case "call":
      return labelsOfCall(expression.name, expression.arguments, inner);
    case "binary":
      return labelsOfBinary(expression, inner(expression.left), inner(expression.right));
  }
}

function labelsOfCall(
  name: string,
  given: readonly Expression[],
  inner: (part: Expression) => LabelSet,
): LabelSet {
  if (name === "vector") return new Set();
  if (constants.has(name)) return undefined;
  const argument = given[vectorArgument[name] ?? 0];
  if (!argument) return undefined;
  if (absences.has(name)) return equalities(argument);
  const labels = inner(argument);
  if (name === "histogram_quantile") return minus(labels ?? new Set(), ["le"]);
  const target = given[1];
  if ((name === "label_replace" || name === "label_join") && target?.kind === "string") {
    return new Set([...(labels ?? []), target.value]);
  }
  return labels;
}

/** What `absent` says of a series that is not there: just the labels that its selector demands. */
function equalities(argument: Expression): ReadonlySet<string> {
  if (argument.kind === "range" || argument.kind === "wrapped") return equalities(argument.of);
  if (argument.kind !== "selector") return new Set();
  return new Set(argument.matchers.filter(({ operator }) => operator === "=").map(({ label }) => label));
}

function labelsOfBinary(
  { operator, on, ignoring, group, include }: Extract<Expression, { kind: "binary" }>,
  left: LabelSet,
  right: LabelSet,
): LabelSet {
  if (left === undefined) return right;
  if (right === undefined) return left;
  // A sample may come from either side: only what both have is sure.
  if (operator === "or") return new Set([...left].filter((label) => right.has(label)));
  if (setOperators.has(operator)) return left;
  if (group === "left") return new Set([...left, ...include]);
  if (group === "right") return new Set([...right, ...include]);
  // One to one keeps just what was matched on, for comparisons as for sums.
  if (on) return new Set(on.filter((label) => left.has(label)));
  return ignoring ? minus(left, ignoring) : left;
}

function minus(labels: ReadonlySet<string>, removed: readonly string[]): ReadonlySet<string> {
  return new Set([...labels].filter((label) => !removed.includes(label)));
}
