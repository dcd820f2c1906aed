import type { Proof } from "./proof.ts";
import { promtoolValues, type Series, type Values } from "./series.ts";

/**
 * A healthy lab in which nothing happens: what all proofs call good, with counters that stand still. Of series that
 * several proofs are about the one for the lower severity counts, since what is good enough for the higher need not be
 * for it.
 */
export function idleLab(proofs: readonly Proof[]): Series {
  const order = ["info", "warning", "critical", "none"];
  const sorted = proofs.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const good: Record<string, Values> = {};
  for (const proof of sorted.reverse()) Object.assign(good, proof.always, proof.good);
  const resting = Object.entries(good).map(([name, values]) => [name, atRest(values)] as const);
  return Object.assign(Object.fromEntries(resting), ...proofs.map(({ idle }) => idle ?? {}));
}

function atRest(values: Values): Values {
  return typeof values === "object" && "perMinute" in values ? { perMinute: 0 } : values;
}

/** The series in promtool's notation, for so many minutes. */
export function idleInput(series: Series, minutes: number): object[] {
  return Object.entries(series).map(([name, values]) => ({
    series: name,
    values: promtoolValues([{ values, samples: minutes + 1 }], 1),
  }));
}
