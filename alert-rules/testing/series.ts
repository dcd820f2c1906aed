/** What a series does in one phase of a proof. */
export type Values =
  | number
  /** A counter that grows; after a fixed value it goes on from there. */
  | { readonly perMinute: number }
  /** A timestamp that stays so many seconds old. */
  | { readonly ageSeconds: number }
  /** Values that come in turn, a sample each: something that swings. */
  | { readonly cycle: readonly number[] }
  /** Its exporter says nothing of it. */
  | "absent";

/** Series by selector, such as `up{job="node",instance="proj-pg01"}`. */
export type Series = Readonly<Record<string, Values>>;

/** Values, or several one after the other, each for so many minutes; the last goes on. */
export type Course = Values | { readonly inTurn: readonly (readonly [minutes: number, values: Values])[] };

/** Series that may change on their own. */
export type Courses = Readonly<Record<string, Course>>;

/** A phase of a proof, in samples. */
export interface Phase {
  readonly values: Course;
  readonly samples: number;
}

/** A phase of phases is these, the last as long as the whole lasts. */
function simplePhases(
  { values, samples }: Phase,
  stepMinutes: number,
): { readonly values: Values; readonly samples: number }[] {
  if (typeof values !== "object" || !("inTurn" in values)) return [{ values, samples }];
  let left = samples;
  return values.inTurn.map(([minutes, part], index) => {
    const isLast = index === values.inTurn.length - 1;
    const own = isLast ? left : Math.min(left, Math.round(minutes / stepMinutes));
    left -= own;
    return { values: part, samples: own };
  });
}

/** A series over its phases, in promtool's notation; samples are `stepMinutes` apart and begin at time zero. */
export function promtoolValues(phases: readonly Phase[], stepMinutes: number): string {
  const parts: string[] = [];
  let counter = 0;
  let at = 0;
  for (const { values, samples } of phases.flatMap((phase) => simplePhases(phase, stepMinutes))) {
    if (samples === 0) continue;
    const last = samples - 1;
    if (values === "absent") {
      // Prometheus marks a series that vanished from a scrape as stale; else it would look back for five minutes.
      parts.push("stale", ...(last > 0 ? [`_x${last}`] : []));
    } else if (typeof values === "number") {
      parts.push(`${decimal(values)}x${last}`);
      counter = values;
    } else if ("perMinute" in values) {
      const step = values.perMinute * stepMinutes;
      parts.push(`${decimal(counter)}${signed(step)}x${last}`);
      counter += step * samples;
    } else if ("ageSeconds" in values) {
      parts.push(`${decimal(at * stepMinutes * 60 - values.ageSeconds)}+${stepMinutes * 60}x${last}`);
    } else {
      const { cycle } = values;
      parts.push(
        Array.from({ length: samples }, (_, index) => decimal(cycle[(at + index) % cycle.length] ?? 0)).join(
          " ",
        ),
      );
    }
    at += samples;
  }
  return parts.join(" ");
}

function signed(step: number): string {
  return step < 0 ? decimal(step) : `+${decimal(step)}`;
}

/** promtool knows no exponents in a step. */
function decimal(value: number): string {
  return Number.isInteger(value)
    ? value.toLocaleString("en", { useGrouping: false })
    : `${Number(value.toFixed(12))}`;
}
