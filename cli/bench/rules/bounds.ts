import type { Bound } from "../bounds.ts";
import type { RuleFigures } from "./measure.ts";

/** Of the interval at which rules are evaluated, so much may be spent on it, in percent. */
const mostShare = 10;
/** How much more than in proportion the time of evaluations may grow with the instances. */
const mostGrowth = 1.5;

/** What of their intervals all groups together spend on evaluations, in percent. */
export function shareOf(
  { groups }: Pick<RuleFigures, "groups">,
  figure: "medianSeconds" | "worstSeconds" = "medianSeconds",
): number {
  return groups.reduce((sum, group) => sum + (100 * group[figure]) / group.intervalSeconds, 0);
}

/** Compares what was measured with what is promised; labs by growing number of instances. */
export function boundsOfRules(labs: readonly RuleFigures[]): Bound[] {
  return [
    ...labs.flatMap((lab) => {
      const of = (name: string, value: number, most: number, unit = "") => ({
        name: `${lab.instances} instances: ${name}`,
        value,
        most,
        unit,
      });
      return [
        of("time of evaluations beside their intervals", shareOf(lab), mostShare, " %"),
        of("evaluations left out", lab.missed, 0),
        of("rules that failed", lab.failures, 0),
        of("alerts of a healthy lab besides the dead man's switch", lab.firing.length, 0),
      ];
    }),
    ...growth(labs),
  ];
}

function growth(labs: readonly RuleFigures[]): Bound[] {
  const [small, middle, large] = labs.slice(-3);
  if (!small || !middle || !large) return [];
  const perInstance = (before: RuleFigures, after: RuleFigures) =>
    (shareOf(after) - shareOf(before)) / (after.instances - before.instances);
  return [
    {
      name: `time for each instance more, ${middle.instances} to ${large.instances} beside the step before`,
      value: perInstance(middle, large) / perInstance(small, middle),
      most: mostGrowth,
      unit: "×",
    },
  ];
}
