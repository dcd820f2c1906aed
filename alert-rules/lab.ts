import type { Inventory } from "./inventory.ts";
import type { Limit } from "./limit.ts";
import { type FigureName, limitOf } from "./thresholds.ts";

/** What a file of rules is given: the site, its figures and its pace. */
export interface Lab extends Inventory {
  /** A figure with the site's value. */
  limit(name: FigureName): Limit;
  /** How long an alert waits at the site's pace: seconds, a whole number of evaluations. */
  hold(seconds: number): number;
  /** A window such as `5m` at the site's pace, wide enough for four scrapes. */
  window(seconds: number): string;
  /**
   * A window with looks inside it, such as `6h:5m`: of hours and days not every scrape is needed, and reading them all
   * for a thousand hosts takes longer than all other rules together.
   */
  looks(seconds: number, stepSeconds: number): string;
  /** How often a group is evaluated whose data changes so seldom, in seconds at the site's pace. */
  every(seconds: number): number;
}

export function labOf(inventory: Inventory): Lab {
  const { scrapeIntervalSeconds, evaluationIntervalSeconds, pace, thresholds } = inventory;
  // A single missed look is no alert at any pace.
  const leastSeconds = 3 * evaluationIntervalSeconds;
  const hold = (seconds: number) => {
    if (pace === 1 || seconds === 0) return seconds;
    const looks = Math.ceil((seconds * pace) / evaluationIntervalSeconds);
    return Math.max(looks * evaluationIntervalSeconds, Math.min(seconds, leastSeconds));
  };
  const window = (seconds: number) =>
    promDuration(Math.max(Math.ceil(seconds * pace), 4 * scrapeIntervalSeconds));
  return {
    ...inventory,
    hold,
    limit: (name) => limitOf(name, thresholds, hold),
    window,
    looks: (seconds, stepSeconds) =>
      `${window(seconds)}:${promDuration(Math.max(Math.floor(stepSeconds * pace), scrapeIntervalSeconds))}`,
    every: (seconds) => {
      // Never more seldom than asked, or what is recorded would count as gone in between.
      const looks = Math.floor((seconds * Math.min(pace, 1)) / evaluationIntervalSeconds);
      return Math.max(looks, 1) * evaluationIntervalSeconds;
    },
  };
}

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

/** A duration as Prometheus writes it, in the largest unit that divides it: `5m`. */
export function promDuration(seconds: number): string {
  const [unit, size] = units.find(([, size]) => seconds >= size && seconds % size === 0) ?? ["s", 1];
  return `${Math.round(seconds / size)}${unit}`;
}
