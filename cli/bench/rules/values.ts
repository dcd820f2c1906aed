import type { Exposed } from "./exposition.ts";

/** Where counters and what swings were at nought, in seconds since the epoch: any moment before all histories. */
const origin = 1_700_000_000;
const swingSeconds = 15;

/** What a series shows at a moment, in seconds since the epoch. */
export function valueAt(values: Exposed["values"], at: number): number {
  if (typeof values === "number") return values;
  if ("perMinute" in values) return Math.floor(((at - origin) * values.perMinute) / 60);
  if ("ageSeconds" in values) return at - values.ageSeconds;
  return values.cycle[Math.floor(at / swingSeconds) % values.cycle.length] ?? 0;
}
