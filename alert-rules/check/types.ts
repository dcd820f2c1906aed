import { type Binary, comparisons, type Expression, partsOf, unwrap, walk } from "../promql/expression.ts";
import type { Lookup } from "./known.ts";

/** Functions that take the ever-growing value of a counter, and forgive its resets. */
const counterFunctions = new Set(["rate", "irate", "increase", "resets"]);
/** Functions that make sense of a value that goes up and down. */
const gaugeFunctions = new Set([
  "delta",
  "idelta",
  "deriv",
  "predict_linear",
  "avg_over_time",
  "stddev_over_time",
  "quantile_over_time",
]);

/** Functions used on the wrong type of metric. */
export function misusedTypes(expression: Expression, lookup: Lookup): string[] {
  return [...walk(expression)].flatMap((part) => {
    if (part.kind === "call") return misusedBy(part.name, part.arguments, lookup);
    if (part.kind === "binary" && comparisons.has(part.operator)) return comparedCounters(part, lookup);
    return [];
  });
}

function misusedBy(name: string, given: readonly Expression[], lookup: Lookup): string[] {
  const takesCounter = counterFunctions.has(name);
  if (!takesCounter && !gaugeFunctions.has(name)) return [];
  return given.flatMap((argument) => {
    if (argument.kind !== "range" || argument.isSubquery) return [];
    const of = unwrap(argument.of);
    if (of.kind !== "selector") return [];
    const type = lookup(of.metric)?.type;
    if (takesCounter && type === "gauge")
      return [`${name}() of the gauge ${of.metric} is no rate of anything`];
    if (!takesCounter && type === "counter") {
      return [`${name}() of the counter ${of.metric} jumps when it is reset: take its rate first`];
    }
    return [];
  });
}

/** A counter tells how long ago a program was started, not how things are. */
function comparedCounters({ left, right, operator }: Binary, lookup: Lookup): string[] {
  if (operator === "==" || operator === "!=") return [];
  return [left, right].flatMap((side) =>
    bareCounters(side, lookup).map(
      (metric) =>
        `${operator} of the counter ${metric}, which only grows: compare its increase over a window`,
    ),
  );
}

function bareCounters(expression: Expression, lookup: Lookup): string[] {
  if (expression.kind === "selector") {
    return lookup(expression.metric)?.type === "counter" ? [expression.metric] : [];
  }
  if (expression.kind === "call" || expression.kind === "range" || expression.kind === "binary") return [];
  return partsOf(expression).flatMap((part) => bareCounters(part, lookup));
}
