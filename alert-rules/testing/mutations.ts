import { deliveredCatalogue, metricNamed } from "../metrics/catalogue.ts";
import { comparisons, type Expression, selectorsOf, unwrap, walk } from "../promql/expression.ts";
import { parseExpression } from "../promql/parse.ts";

/** An expression with one thing wrong. */
export interface Mutant {
  readonly expression: string;
  /** What was changed, for the report. */
  readonly change: string;
}

const flipped: Readonly<Record<string, string>> = {
  ">": "<",
  ">=": "<",
  "<": ">",
  "<=": ">",
  "==": "!=",
  "!=": "==",
};

/**
 * Every comparator turned round, every figure that is compared with ten times and a tenth of itself, every metric
 * exchanged for another that exists: mistakes that people make, each of which a test of the alert must notice.
 */
export function mutantsOf(text: string): Mutant[] {
  const expression = parseExpression(text);
  return [...flips(expression, text), ...scales(expression, text), ...swaps(expression, text)];
}

function flips(expression: Expression, text: string): Mutant[] {
  return [...walk(expression)].flatMap((part) => {
    if (part.kind !== "binary" || !comparisons.has(part.operator)) return [];
    const { operator, operatorSpan } = part;
    const other = flipped[operator] ?? operator;
    return [{ expression: replaced(text, operatorSpan, other), change: `${operator} became ${other}` }];
  });
}

function scales(expression: Expression, text: string): Mutant[] {
  return [...walk(expression)].flatMap((part) => {
    if (part.kind !== "binary" || !comparisons.has(part.operator)) return [];
    return [part.left, part.right].flatMap((side) => {
      const figure = unwrap(side);
      if (figure.kind !== "number") return [];
      // Ten times nothing is nothing.
      const wrong = figure.value === 0 ? [] : [figure.value * 10, figure.value / 10];
      return wrong.map((value) => ({
        expression: replaced(text, figure, `${value}`),
        change: `${part.operator} ${figure.value} became ${part.operator} ${value}`,
      }));
    });
  });
}

function swaps(expression: Expression, text: string): Mutant[] {
  const names = [...new Set(selectorsOf(expression).map(({ metric }) => metric))];
  return names.map((name) => {
    const other = another(name);
    const mutated = selectorsOf(expression)
      .filter(({ metric }) => metric === name)
      .toSorted((a, b) => b.from - a.from)
      .reduce((whole, { from }) => replaced(whole, { from, to: from + name.length }, other), text);
    return { expression: mutated, change: `${name} became ${other}` };
  });
}

/** A metric of the same source and shape, which somebody might take for this one. */
function another(name: string): string {
  const metric = metricNamed(name);
  if (!metric) return "up";
  const source = deliveredCatalogue().sources.find((candidate) =>
    metric.sources.some(
      ({ source: from, version }) => candidate.source === from && candidate.version === version,
    ),
  );
  const alike = Object.entries(source?.metrics ?? {}).find(
    ([other, { labels, type }]) =>
      other !== metric.family && type === metric.type && labels.length === metric.labels.length,
  );
  return alike?.[0] ?? "up";
}

function replaced(text: string, { from, to }: { from: number; to: number }, by: string): string {
  return `${text.slice(0, from)}${by}${text.slice(to)}`;
}
