import type { Severity } from "../rule.ts";
import type { Courses, Series } from "./series.ts";

/**
 * How an alert is proven. From it come promtool's tests: silent while all is good, nothing one evaluation before its
 * `for` is over, then exactly this alert with exactly these words, and its end once all is good again.
 */
export interface Proof {
  readonly alert: string;
  /** Where the alert exists at more than one severity, the one that is proven. */
  readonly severity: Severity;
  /** Series that stay as they are, in all phases. */
  readonly always?: Series;
  /** What is just good enough: near the threshold, so that a changed one is noticed. */
  readonly good: Series;
  /** What is just too bad; the same series as in `good`, or some of them. */
  readonly bad: Courses;
  /** Labels of the firing alert, without alertname, severity and area. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its description as people read it. */
  readonly says: string;
  /** Its value as people read it, where it has one. */
  readonly shows?: string;
  /** Other alerts of the same group that fire then, as `Name severity`. */
  readonly also?: readonly string[];
  /** How long all is good first, in minutes: more than the windows of the expression. Default 10. */
  readonly warmUpMinutes?: number;
  /** From the first bad sample until the expression holds: what its windows need. Default 0. */
  readonly delayMinutes?: number;
  /** From the first good sample until the expression holds no more. Default 0. */
  readonly clearMinutes?: number;
  /** Minutes between two samples and two evaluations. Default 1; more for windows of days. */
  readonly stepMinutes?: number;
  /** The same badness where it means nothing, as on a server of another role, once or more: nothing may fire. */
  readonly elsewhere?: Courses | readonly Courses[];
  /** What an idle lab has of these series, where that is neither the good value nor a counter that stands still. */
  readonly idle?: Series;
}

/** The proofs of one area: how its alerts are seen firing. */
export type Proofs = readonly Proof[];
