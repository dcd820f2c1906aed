import { expect, it } from "vitest";
import { labelsFrom, lookupFor } from "../../../alert-rules/check/known.ts";
import { ruleGroups } from "../../../alert-rules/groups.ts";
import { outputLabels } from "../../../alert-rules/promql/labels.ts";
import { parseExpression } from "../../../alert-rules/promql/parse.ts";
import type { Alert } from "../../../alert-rules/rule.ts";
import lab from "../../../stacks/lab.ts";
import { parseSite } from "../../site.ts";
import { inventoryOf } from "../inventory.ts";
import { identity, inhibitions } from "./inhibition.ts";

const groups = ruleGroups(inventoryOf(parseSite(lab())));
const alerts = groups.flatMap(({ rules }) => rules.filter((rule): rule is Alert => rule.kind === "alert"));
const labelsOf = labelsFrom(lookupFor(groups));

it("only names alerts that there are, or a warning would go on beside what explains it", () => {
  const names = new Set(alerts.map(({ name }) => name));
  const engineOf = (name: string) => name.replace(/(Exporter)?Down$/, "");
  const sources = inhibitions.flatMap(({ source }) =>
    source.filter(({ label }) => label === "alertname").map(({ value }) => value),
  );
  // Of an engine that has no alerts there is nothing to be explained.
  const meant = sources.filter((source) => [...names].some((name) => name.startsWith(engineOf(source))));
  expect(meant).toEqual(expect.arrayContaining(["HostDown", "PostgresDown", "PostgresExporterDown"]));
  expect(meant.filter((name) => !names.has(name))).toEqual([]);
});

it("tells alerts of one name apart by every label that a warning and a critical one have", () => {
  const named = Map.groupBy(alerts, ({ name }) => name);
  const onBoth = [...named.values()].filter((same) => new Set(same.map(({ severity }) => severity)).size > 1);
  expect(onBoth.length).toBeGreaterThan(10);
  const known = new Set<string>(["site", ...identity]);
  const missing = onBoth.flat().flatMap(({ name, expression, labels = {} }) => {
    const visible = outputLabels(parseExpression(expression), labelsOf);
    return [...(visible ?? []), ...Object.keys(labels)]
      .filter((label) => !known.has(label))
      .map((label) => `${name}: ${label}`);
  });
  expect([...new Set(missing)]).toEqual([]);
});
