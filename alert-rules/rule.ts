import type { Limit } from "./limit.ts";

/** How loud an alert is: `critical` pages somebody, `warning` is a ticket, `info` goes to nobody; `none` is for the dead man's switch alone. */
export type Severity = "critical" | "warning" | "info" | "none";

/** What an alert is about: the areas of M1 of the requirements, and the monitoring itself. */
export const areas = [
  "availability",
  "backup",
  "capacity",
  "integrity",
  "monitoring",
  "performance",
  "replication",
  "resources",
  "security",
] as const;
export type Area = (typeof areas)[number];

/** Where in the sources a rule is written. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

interface AlertText {
  /** CamelCase. With the severity it is the key of the alert's tests, alone that of its runbook. */
  readonly name: string;
  /** PromQL. */
  readonly expression: string;
  readonly severity: Severity;
  readonly area: Area;
  /** One static sentence under 80 characters that reads well in a list. */
  readonly summary: string;
  /** What is wrong, with `{{ $labels.x }}` and `{{ $value }}`. */
  readonly description: string;
  /** The value that a person compares with the threshold, such as `{{ $value | humanizePercentage }}`. */
  readonly value?: string;
  /** The figure that the expression compares with: gives `for`, and the threshold in messages. */
  readonly limit?: Limit;
  /** Labels besides those of the expression. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of the dashboard that shows it. Default the overview. */
  readonly dashboard?: string;
  /** Where series of several instances are summed on purpose, why. */
  readonly acrossInstances?: string;
  /** How long it goes on after its expression holds no more, in seconds: against flapping. Default 0. */
  readonly keepFiringForSeconds?: number;
}

export interface Alert extends AlertText {
  readonly kind: "alert";
  /** How long the expression must hold, in seconds. */
  readonly forSeconds: number;
  readonly place: Place;
}

/** A series that Prometheus computes, for other rules and for dashboards. */
export interface Recording {
  readonly kind: "recording";
  /** `level:metric:operation`. */
  readonly name: string;
  readonly expression: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly place: Place;
}

export interface RuleGroup {
  readonly name: string;
  /** How often it is evaluated, in seconds, where that is not as often as the site says: for windows of days. */
  readonly intervalSeconds?: number;
  readonly rules: readonly (Alert | Recording)[];
}

/** An alert that has a `limit` need not say `forSeconds`; zero is for what is an event of a window by itself. */
export function alert(
  given: AlertText &
    ({ readonly limit: Limit; readonly forSeconds?: number } | { readonly forSeconds: number }),
): Alert {
  const { limit } = given;
  const forSeconds = given.forSeconds ?? limit?.forSeconds ?? 0;
  return { kind: "alert", ...given, forSeconds, place: placeOfCaller(alert) };
}

export function record(given: Omit<Recording, "kind" | "place">): Recording {
  return { kind: "recording", ...given, place: placeOfCaller(record) };
}

/** A PromQL selector such as `up{job="node",instance="proj-pg01"}`. */
export function selector(metric: string, labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${metric}{${matchers.join(",")}}`;
}

/** So that a complaint can name file and line, as a compiler does. */
function placeOfCaller(callee: (...given: never[]) => unknown): Place {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  const held: { stack?: string } = {};
  Error.captureStackTrace(held, callee);
  Error.stackTraceLimit = stackTraceLimit;
  const [, file, line] = /([^/\s(]+\/[^/\s]+):(\d+):\d+\)?$/m.exec(held.stack ?? "") ?? [];
  return { file: file ?? "unknown", line: Number(line ?? 0) };
}
