/** A value at a time. */
export interface Point {
  /** Unix time. */
  seconds: number;
  value: number;
}

/** What is expected at a time, with the bounds between which 95 % of such values lie. */
export interface Expectation {
  days: number;
  value: number;
  low: number;
  high: number;
}

/** Where a series of values is going. */
export interface Forecast {
  points: number;
  perDay: number;
  /** Part of the variance that the line explains, 0 to 1. */
  fit: number;
  expected: Expectation[];
}

/** How many days ahead a forecast looks. */
export const horizonsDays = [30, 90, 365] as const;

const daySeconds = 86_400;

/**
 * A straight line through the points by ordinary least squares, with the two-sided 95 % prediction interval of a new
 * value, `t(n − 2) · s · √(1 + 1/n + (x − x̄)² / Σ(xᵢ − x̄)²)` (Montgomery, Peck & Vining, Introduction to Linear
 * Regression Analysis, §2.5). Growth in steps makes the interval wide, as it should. `undefined` for fewer than three
 * points or less than a day.
 */
export function forecast(points: readonly Point[], fromSeconds: number): Forecast | undefined {
  const line = fitLine(points);
  if (line === undefined) return undefined;
  const { count, meanX, meanY, slope, spread, deviation, fit } = line;
  return {
    points: count,
    perDay: slope,
    fit,
    expected: horizonsDays.map((days) => {
      const x = fromSeconds / daySeconds + days;
      const value = meanY + slope * (x - meanX);
      const reach = quantile(count - 2) * deviation * Math.sqrt(1 + 1 / count + (x - meanX) ** 2 / spread);
      return {
        days,
        value: Math.max(0, value),
        low: Math.max(0, value - reach),
        high: Math.max(0, value + reach),
      };
    }),
  };
}

/** Days until the line reaches a value, at most ten years; `null` where it does not. */
export function daysUntil(points: readonly Point[], limit: number, fromSeconds: number): number | null {
  const line = fitLine(points);
  if (line === undefined) return null;
  const { meanX, meanY, slope } = line;
  const now = meanY + slope * (fromSeconds / daySeconds - meanX);
  if (now >= limit) return 0;
  const days = (limit - now) / slope;
  return slope > 0 && days <= 3650 ? days : null;
}

function fitLine(points: readonly Point[]) {
  const count = points.length;
  const xs = points.map(({ seconds }) => seconds / daySeconds);
  if (count < 3 || Math.max(...xs) - Math.min(...xs) < 1) return undefined;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / count;
  const [meanX, meanY] = [mean(xs), mean(points.map(({ value }) => value))];
  let [spread, joint, total] = [0, 0, 0];
  for (const [index, { value }] of points.entries()) {
    const dx = (xs[index] ?? 0) - meanX;
    spread += dx ** 2;
    joint += dx * (value - meanY);
    total += (value - meanY) ** 2;
  }
  const slope = joint / spread;
  const residual = Math.max(0, total - slope * joint);
  return {
    count,
    meanX,
    meanY,
    slope,
    spread,
    deviation: Math.sqrt(residual / (count - 2)),
    fit: total === 0 ? 1 : 1 - residual / total,
  };
}

/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom. */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Above 30 degrees of freedom the first correction of the normal quantile is within 0.002. */
function quantile(degrees: number): number {
  return quantiles[degrees - 1] ?? 1.96 + (1.96 ** 3 + 1.96) / (4 * degrees);
}
