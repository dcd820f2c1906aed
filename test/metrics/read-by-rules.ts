import { uncheckedGroups } from "../../alert-rules/groups.ts";
import { deliveredCatalogue, metricNamed, type Source } from "../../alert-rules/metrics/catalogue.ts";
import { selectorsOf } from "../../alert-rules/promql/expression.ts";
import { parseExpression } from "../../alert-rules/promql/parse.ts";
import { testInventory } from "../../alert-rules/testing/inventory.ts";

/** Of what was captured of a program, what a rule of some site reads. Fails where nothing was captured, or is read. */
export function readByRules(program: string): Source {
  const source = deliveredCatalogue().sources.find(
    ({ source: name, how }) => name === program && how === "captured",
  );
  if (!source) throw new Error(`nothing was captured of ${program}`);
  const rules = uncheckedGroups(testInventory).flatMap((group) => group.rules);
  const read = new Set(
    rules
      .flatMap(({ expression }) => selectorsOf(parseExpression(expression)))
      .map(({ metric }) => metricNamed(metric)?.family),
  );
  const metrics = Object.entries(source.metrics).filter(([name]) => read.has(name));
  if (metrics.length === 0) throw new Error(`no rule reads anything of ${program}`);
  return { ...source, metrics: Object.fromEntries(metrics) };
}
