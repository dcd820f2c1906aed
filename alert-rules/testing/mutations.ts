import { deliveredCatalogue, metricNamed } from "../metrics/catalogue.ts";
import {
  comparisons,
  type Expression,
  type NumberLiteral,
  selectorsOf,
  unwrap,
  walk,
} from "../promql/expression.ts";
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
 * Every comparator turned round, every figure that a comparison depends on ten times and a tenth of itself, every metric
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
    const change = `${operator} became ${other} in ${excerpt(text, part)}`;
    return [{ expression: replaced(text, operatorSpan, other), change }];
  });
}

function scales(expression: Expression, text: string): Mutant[] {
  const compared = [...walk(expression)].flatMap((part) =>
    part.kind === "binary" && comparisons.has(part.operator)
      ? [part.left, part.right].flatMap((side) => figuresIn(side).map((figure) => [figure, part] as const))
      : [],
  );
  // A comparison within one side of another is walked twice.
  return [...new Map(compared)].flatMap(([figure, part]) => {
    // Ten times nothing is nothing.
    const wrong = figure.value === 0 ? [] : [figure.value * 10, figure.value / 10];
    return wrong.map((value) => ({
      expression: replaced(text, figure, `${value}`),
      change: `${figure.value} became ${value} in ${excerpt(text, part)}`,
    }));
  });
}

/** The number that a side of a comparison is, or those that it is computed with, such as the `2` of `2 * usual`. */
function figuresIn(side: Expression): NumberLiteral[] {
  const inner = unwrap(side);
  if (inner.kind === "number") return [inner];
  if (inner.kind !== "binary" || comparisons.has(inner.operator)) return [];
  // A one among others is a sign or what a ratio is taken from.
  return [inner.left, inner.right].flatMap(figuresIn).filter(({ value }) => value !== 1);
}

function swaps(expression: Expression, text: string): Mutant[] {
  const names = [...new Set(selectorsOf(expression).map(({ metric }) => metric))];
  return names.map((name) => {
    const other = another(name);
    return { expression: renamed(text, new Map([[name, other]])), change: `${name} became ${other}` };
  });
}

/** An expression that reads other metrics in the place of some. */
export function renamed(text: string, names: ReadonlyMap<string, string>): string {
  return selectorsOf(parseExpression(text))
    .toSorted((a, b) => b.from - a.from)
    .reduce(
      (whole, { metric, from }) =>
        replaced(whole, { from, to: from + metric.length }, names.get(metric) ?? metric),
      text,
    );
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

function excerpt(text: string, { from, to }: { from: number; to: number }): string {
  return text.slice(from, to).replaceAll(/\{[^}]*\}|\s+/g, (found) => (found.startsWith("{") ? "" : " "));
}

function replaced(text: string, { from, to }: { from: number; to: number }, by: string): string {
  return `${text.slice(0, from)}${by}${text.slice(to)}`;
}
