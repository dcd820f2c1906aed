import { expect, it } from "vitest";
import { ruleGroups } from "../../../alert-rules/groups.ts";
import { type Selector, selectorsOf } from "../../../alert-rules/promql/expression.ts";
import { parseExpression } from "../../../alert-rules/promql/parse.ts";
import { inventoryOf } from "../../../infra/monitoring/inventory.ts";
import { parseSite } from "../../../infra/site.ts";
import { expositionOf } from "./exposition.ts";
import type { Labels } from "./labels.ts";
import { reachOf, widened } from "./reach.ts";
import { monitoredSite } from "./site.ts";
import { syntheticLab, targetLabels } from "./target.ts";

const inventory = inventoryOf(parseSite(monitoredSite(20)));
const groups = ruleGroups(inventory);

/** Said only while something is wrong, or is going on. */
const notInAHealthyLab = [
  'dbkeeper_wal_last_drill_timestamp_seconds{job="node",verdict="fail"}',
  'dbkeeper_wal_last_drill_timestamp_seconds{job="node",verdict="partial"}',
  'lab_pve_backup_running_start_timestamp_seconds{job="node"}',
  'lab_pve_guest_lock_first_seen_timestamp_seconds{job="node"}',
];

it("exposes every series that a rule reads, so that none is evaluated for nothing", () => {
  const lab = syntheticLab(inventory);
  const exposed = Map.groupBy(
    lab.targets.flatMap((target) =>
      expositionOf(target, lab, 1_800_000_000).map(({ metric, labels }) => ({
        metric,
        labels: { ...labels, ...targetLabels(target) },
      })),
    ),
    ({ metric }) => metric,
  );
  const missing = groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ expression }) =>
      selectorsOf(parseExpression(expression))
        .filter((selector) => isScraped(selector))
        .filter((selector) => !exposed.get(selector.metric)?.some(({ labels }) => fits(selector, labels)))
        .map(({ from, to }) => expression.slice(from, to)),
    );
  expect([...new Set(missing)].toSorted()).toEqual(notInAHealthyLab);
});

/** Not recorded, nor made by Prometheus, which is real. */
function isScraped({ metric, matchers }: Selector): boolean {
  const isOwn = matchers.some(({ label, value }) => label === "job" && value === "prometheus");
  return !isOwn && !metric.includes(":") && !/^(up|ALERTS|scrape_.+)$/.test(metric);
}

function fits({ matchers }: Selector, labels: Labels): boolean {
  return matchers.every(({ label, operator, value }) => {
    const own = labels[label] ?? "";
    const isEqual = operator.endsWith("~") ? new RegExp(`^(?:${value})$`).test(own) : own === value;
    return operator.startsWith("!") ? !isEqual : isEqual;
  });
}

it("knows how far back rules look, through windows, offsets and looks", () => {
  const recorded = (expression: string) => ({
    kind: "recording" as const,
    name: "a:b:c",
    expression,
    place: { file: "", line: 1 },
  });
  const reach = reachOf([
    {
      name: "any",
      rules: [recorded("rate(a[5m]) + max_over_time(b[7d:1h] offset 15m)"), recorded("a and c offset 1d")],
    },
  ]);
  expect(Object.fromEntries(reach)).toEqual({
    a: [
      { from: 300, to: 0 },
      { from: 0, to: 0 },
    ],
    b: [{ from: 605_700, to: 900 }],
    c: [{ from: 86_400, to: 86_400 }],
  });
});

it("writes overlapping spans of the past once, and each with a margin", () => {
  const spans = [
    { from: 300, to: 0 },
    { from: 86_400, to: 86_400 },
    { from: 900, to: 300 },
  ];
  expect(widened(spans, 60)).toEqual([
    { from: 86_460, to: 86_340 },
    { from: 960, to: 0 },
  ]);
});
