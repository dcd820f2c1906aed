/** What a figure is counted in. Values of time are seconds, ratios are between 0 and 1. */
export type Unit =
  | "ratio"
  | "seconds"
  | "bytes"
  | "count"
  | "perSecond"
  | "perMinute"
  | "bytesPerSecond"
  | "deviations";

/** A figure that alerts and dashboards compare with. */
export interface Figure {
  readonly value: number;
  readonly unit: Unit;
  /** How long it must be passed before an alert fires, in seconds. */
  readonly forSeconds: number;
  /** What is compared with it. */
  readonly meaning: string;
  /** Where the figure comes from: an id of the requirements, a document, or the reason why it was chosen. */
  readonly source: string;
}

/** A figure as one site has it. */
export interface Limit extends Figure {
  readonly name: string;
  /** The value with its unit, for people: `80 %`. */
  readonly text: string;
  /** Whether the site has set it. */
  readonly isOverridden: boolean;
}

/** A figure whose value the site gives elsewhere, such as the age of a dump; one that it overrides by name wins. */
export function siteLimit(limit: Limit, value: number): Limit {
  return limit.isOverridden ? limit : { ...limit, value, text: quantity(value, limit.unit) };
}

/** A value with its unit, as people write it. */
export function quantity(value: number, unit: Unit): string {
  switch (unit) {
    case "ratio":
      return `${rounded(value * 100)} %`;
    case "seconds":
      return duration(value);
    case "bytes":
      return bytes(value);
    case "bytesPerSecond":
      return `${bytes(value)}/s`;
    case "count":
      return `${rounded(value)}`;
    case "perSecond":
      return `${rounded(value)}/s`;
    case "perMinute":
      return `${rounded(value)}/min`;
    case "deviations":
      return `${rounded(value)} σ`;
  }
}

const binary = [
  ["TiB", 1024 ** 4],
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
] as const;

function bytes(value: number): string {
  const [unit, size] = binary.find(([, size]) => Math.abs(value) >= size) ?? ["B", 1];
  return `${rounded(value / size)} ${unit}`;
}

const spans = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** In the largest unit that keeps it a round number, from two of it on. */
function duration(seconds: number): string {
  if (Math.abs(seconds) < 1) return `${rounded(seconds * 1000)} ms`;
  const [unit, size] = spans.find(([, size]) => seconds >= size && seconds % size === 0) ?? ["s", 1];
  return `${rounded(seconds / size)} ${unit}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
