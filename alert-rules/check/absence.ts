import { partnersOf } from "../absence.ts";
import { metricNamed } from "../metrics/catalogue.ts";
import { selectorsOf } from "../promql/expression.ts";
import { parseExpression } from "../promql/parse.ts";
import type { RuleGroup } from "../rule.ts";
import type { RuleProblem } from "./problem.ts";

/** Alerts that would be silent for ever if what they read came no more: the rule set has no partner that fires then. */
export function unpartnered(groups: readonly RuleGroup[]): RuleProblem[] {
  const rules = groups.flatMap((group) => group.rules);
  const names = new Set(rules.map(({ name }) => name));
  return rules.flatMap((rule) => {
    if (rule.kind !== "alert") return [];
    const messages = selectorsOf(parseExpression(rule.expression)).flatMap(({ metric }) => {
      const source = metricNamed(metric)?.sources[0]?.source;
      if (source === undefined) return [];
      const partners = partnersOf(metric, source);
      if (!partners)
        return [`nothing fires when ${source} is silent: name who notices it in alert-rules/absence.ts`];
      if (partners.some((partner) => names.has(partner))) return [];
      return [`${metric} may vanish unnoticed: none of ${partners.join(", ")} is in the rule set`];
    });
    return [...new Set(messages)].map((message) => ({ rule, message }));
  });
}
