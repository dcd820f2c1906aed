import { feeds } from "../absence.ts";
import type { Alert, RuleGroup } from "../rule.ts";
import type { Absence } from "./absences.ts";
import { testFile } from "./promtool.ts";
import { promtoolValues, type Series, type Values } from "./series.ts";

/** How long all is well before something stops, in evaluations. */
const healthyFor = 4;

/** The alerts that tell of absences, of all groups. */
export function partnerAlerts(groups: readonly RuleGroup[]): Alert[] {
  const names = new Set(feeds.flatMap(({ partners }) => partners));
  return groups
    .flatMap(({ rules }) => rules)
    .filter((rule): rule is Alert => rule.kind === "alert" && names.has(rule.name));
}

/**
 * promtool's tests of absences: what stops, and what never was there. In both cases each partner must fire, once, for
 * what is gone; while all is there, none.
 */
export function absenceTests(
  absences: readonly Absence[],
  partners: readonly Alert[],
  healthy: Series,
): string[] {
  const byStep = Map.groupBy(absences, (absence) => stepMinutes(longestWait(absence, partners)));
  return [...byStep].map(([step, some]) =>
    testFile(
      some.flatMap((absence) => testsOf(absence, longestWait(absence, partners), healthy, step)),
      step,
    ),
  );
}

function longestWait({ partners: names }: Absence, partners: readonly Alert[]): number {
  return Math.max(
    ...partners.filter(({ name }) => names.includes(name)).map(({ forSeconds }) => forSeconds / 60),
  );
}

/** An hour is waited for in steps of five minutes, a day in steps of hours. */
function stepMinutes(waitMinutes: number): number {
  return waitMinutes <= 60 ? 5 : 60;
}

function testsOf(
  { job, instance, partners, gone }: Absence,
  waitMinutes: number,
  healthy: Series,
  step: number,
): object[] {
  const wait = Math.ceil(waitMinutes / step);
  const firing = {
    expr: `count by (alertname) (ALERTS{alertstate="firing",alertname=~"${partners.join("|")}"})`,
    exp_samples: partners.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
  };
  const never = Object.entries(healthy).filter(([name]) => !gone.has(name));
  const input = (series: Series, samples: number, left: readonly (readonly [string, Values])[]) =>
    Object.entries(series).map(([name, values]) => ({
      series: name,
      values: promtoolValues(
        [
          { values, samples: healthyFor },
          { values: left.some(([kept]) => kept === name) ? values : "absent", samples },
        ],
        step,
      ),
    }));
  const name = `${partners.join(", ")}: ${job} of ${instance}`;
  return [
    {
      name: `${name} stops`,
      interval: `${step}m`,
      input_series: input(healthy, wait + 1, never),
      promql_expr_test: [
        { expr: "count(ALERTS)", eval_time: `${(healthyFor - 1) * step}m`, exp_samples: [] },
        { ...firing, eval_time: `${(healthyFor + wait) * step}m` },
      ],
    },
    {
      name: `${name} never was there`,
      interval: `${step}m`,
      input_series: input(Object.fromEntries(never), wait + 1, never),
      promql_expr_test: [{ ...firing, eval_time: `${wait * step}m` }],
    },
  ];
}
