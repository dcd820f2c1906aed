import { feedOf } from "../absence.ts";
import type { Inventory } from "../inventory.ts";
import { metricNamed } from "../metrics/catalogue.ts";
import { type Expression, selectorsOf } from "../promql/expression.ts";
import { parseExpression } from "../promql/parse.ts";
import type { RuleGroup } from "../rule.ts";

/** Says of an expression what it reads that may vanish without any alert telling. */
export type AbsenceCheck = (expression: Expression) => string[];

/**
 * An alert is silent for ever when what it reads comes no more: so the rule set must hold the partner that fires then.
 * Of what a site has not at all, such as a cluster, nobody has to notice anything.
 */
export function absenceCheck(groups: readonly RuleGroup[], site: Inventory): AbsenceCheck {
  const read = metricsReader(groups);
  const names = new Set(groups.flatMap(({ rules }) => rules.map(({ name }) => name)));
  const complaint = (metric: string): string[] => {
    const source = metricNamed(metric)?.sources[0]?.source;
    if (source === undefined) return [];
    const feed = feedOf(metric, source);
    if (!feed)
      return [`nothing fires when ${source} is silent: name who notices it in alert-rules/absence.ts`];
    if (feed.partners.some((partner) => names.has(partner)) || feed.isExpected?.(site) === false) return [];
    return [`${metric} may vanish unnoticed: none of ${feed.partners.join(", ")} is in the rule set`];
  };
  const known = new Map<string, string[]>();
  return (expression) => {
    const messages = [...read(expression)].flatMap((metric) => {
      const found = known.get(metric) ?? complaint(metric);
      known.set(metric, found);
      return found;
    });
    return [...new Set(messages)];
  };
}

/** Tells the metrics that an expression needs, also by way of recordings: exporters' own names only. */
export function metricsReader(groups: readonly RuleGroup[]): (expression: Expression) => Set<string> {
  const recordings = Map.groupBy(
    groups.flatMap(({ rules }) => rules.filter(({ kind }) => kind === "recording")),
    ({ name }) => name,
  );
  const behind = new Map<string, ReadonlySet<string>>();
  const read = (expression: Expression): Set<string> =>
    new Set(selectorsOf(expression).flatMap(({ metric }) => [...metricsBehind(metric)]));
  const metricsBehind = (metric: string): ReadonlySet<string> => {
    const recorded = recordings.get(metric);
    if (!recorded) return new Set([metric]);
    const found = behind.get(metric);
    if (found) return found;
    // A recording that reads itself needs nothing more for that.
    behind.set(metric, new Set());
    const all = new Set(recorded.flatMap((rule) => [...read(parseExpression(rule.expression))]));
    behind.set(metric, all);
    return all;
  };
  return read;
}
