import { metricNamed } from "../metrics/catalogue.ts";
import type { Expression, Selector } from "../promql/expression.ts";
import { selectorsOf } from "../promql/expression.ts";
import { outputLabels } from "../promql/labels.ts";
import { parseExpression } from "../promql/parse.ts";
import type { Recording, RuleGroup } from "../rule.ts";

/** Labels that scraping adds to every series. */
export const targetLabels = ["job", "instance", "cluster", "site"] as const;

/** A series that a rule may read. */
export interface KnownSeries {
  readonly type: "gauge" | "counter" | "summary" | "untyped";
  readonly labels: ReadonlySet<string>;
  readonly isRecorded: boolean;
}

/** Looks up what exporters, our own programs and recording rules expose; undefined where nobody does. */
export type Lookup = (metric: string) => KnownSeries | undefined;

/** The catalogue of metrics together with what a rule set records itself. */
export function lookupFor(groups: readonly RuleGroup[], find = metricNamed): Lookup {
  const recordings = new Map<string, Recording>();
  for (const { rules } of groups) {
    for (const rule of rules) if (rule.kind === "recording") recordings.set(rule.name, rule);
  }
  const known = new Map<string, KnownSeries | undefined>();
  const lookup: Lookup = (metric) => {
    if (!known.has(metric)) {
      // A recording that reads itself finds nothing.
      known.set(metric, undefined);
      known.set(metric, look(metric));
    }
    return known.get(metric);
  };
  const look = (metric: string): KnownSeries | undefined => {
    const recording = recordings.get(metric);
    if (recording) {
      const labels = outputLabels(parseExpression(recording.expression), labelsFrom(lookup)) ?? [];
      const own = Object.keys(recording.labels ?? {});
      return { type: "gauge", labels: new Set([...labels, ...own]), isRecorded: true };
    }
    const metricFound = find(metric);
    if (!metricFound) return undefined;
    const { type, labels } = metricFound;
    return { type, labels: new Set([...labels, ...targetLabels]), isRecorded: false };
  };
  return lookup;
}

/** The labels of a selector's series; of an unknown metric just those that it demands. */
export function labelsFrom(lookup: Lookup): (selector: Selector) => ReadonlySet<string> {
  return ({ metric, matchers }) =>
    lookup(metric)?.labels ?? new Set([...targetLabels, ...matchers.map(({ label }) => label)]);
}

/** Names in an expression that nobody exposes, and labels that those who do have not. */
export function unknownNames(expression: Expression, lookup: Lookup): string[] {
  return selectorsOf(expression).flatMap(({ metric, matchers }) => {
    if (metric === "") return ["a selector without a metric's name reads every series there is"];
    const known = lookup(metric);
    if (!known) return [`nobody exports ${metric}: it would never fire`];
    return matchers
      .filter(({ label }) => !known.labels.has(label))
      .map(({ label }) => `${metric} has no label ${label}, only ${[...known.labels].toSorted().join(", ")}`);
  });
}
