import { expect, it } from "vitest";
import { lookupFor, unknownNames } from "../alert-rules/check/known.ts";
import { misusedTypes } from "../alert-rules/check/types.ts";
import { uncheckedGroups } from "../alert-rules/groups.ts";
import { comparisons, unwrap, walk } from "../alert-rules/promql/expression.ts";
import { parseExpression } from "../alert-rules/promql/parse.ts";
import { testInventory } from "../alert-rules/testing/inventory.ts";
import { type FigureName, figureNames, figures, limitOf, type Overrides } from "../alert-rules/thresholds.ts";
import { dashboards, renderDashboard } from "./index.ts";

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly thresholds?: { readonly steps: readonly { readonly value: number | null }[] };
    };
  };
}

function panelsWith(overrides: Overrides): Panel[] {
  const limit = (name: FigureName) => limitOf(name, overrides);
  return [...dashboards({ limit, maximumDumpAgeHours: 30 }).values()].flatMap(
    (dashboard) => (JSON.parse(renderDashboard(dashboard)) as { panels: Panel[] }).panels,
  );
}

/** What Grafana would ask Prometheus. */
const expressionsOf = ({ targets }: Panel) =>
  targets.map(({ expr }) =>
    parseExpression(expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".+")),
  );

const figuresOf = (panel: Panel) => [
  ...(panel.fieldConfig.defaults.thresholds?.steps ?? []).flatMap(({ value }) => value ?? []),
  ...expressionsOf(panel).flatMap((expression) =>
    [...walk(expression)].flatMap((part) => {
      if (part.kind !== "binary" || !comparisons.has(part.operator)) return [];
      return [part.left, part.right]
        .map(unwrap)
        .flatMap((side) => (side.kind === "number" ? side.value : []));
    }),
  ),
];

it("compares with the figures of the alerts, as the site has them, and with no others", () => {
  // No figure has such digits by itself.
  const own = Object.fromEntries(
    figureNames.map((name, index) => [name, figures[name].value + 0.0001234 + index / 1e6]),
  );
  const compared = panelsWith(own).flatMap((panel) =>
    figuresOf(panel).map((value) => [panel.title, value] as const),
  );
  const ofSite = new Set(Object.values(own));
  expect(compared.filter(([, value]) => ofSite.has(value)).length).toBeGreaterThan(5);
  // Whether there is any at all is no figure.
  const others = compared.filter(([, value]) => !ofSite.has(value) && value !== 0 && value !== 1);
  expect(others).toEqual([]);
});

it("takes the age of a dump from the site", () => {
  const panel = panelsWith({}).find(({ title }) => title === "Oldest validated dump");
  expect(panel && figuresOf(panel)).toEqual([30 * 3600]);
});

it("asks for nothing that nobody exports or records", () => {
  const lookup = lookupFor(uncheckedGroups(testInventory));
  const expressions = panelsWith({}).flatMap(expressionsOf);
  expect(
    expressions.flatMap((expression) => [
      ...unknownNames(expression, lookup),
      ...misusedTypes(expression, lookup),
    ]),
  ).toEqual([]);
});
