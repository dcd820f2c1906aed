import type { Measurement } from "./measure.ts";

/** What the figures have to stay within. */
export interface Bound {
  readonly name: string;
  readonly value: number;
  readonly most: number;
  readonly unit: string;
}

export interface Measurements {
  readonly empty: Measurement;
  /** The lab as it is: small. */
  readonly small: Measurement;
  /** Synthetic sites by growing number of guests. */
  readonly sites: readonly Measurement[];
}

/** Each guest's machine, first boot, keys and delivery: more would make a preview unreadable. */
export const mostResourcesAGuest = 5;
/** A small lab's preview may take so much longer than a program that does nothing. */
const mostTimesEmpty = 2.5;
/** How much more than in proportion the time of a preview may grow with the guests. */
const mostGrowth = 1.25;

/** Compares what was measured with what is promised. */
export function boundsOf({ empty, small, sites }: Measurements): Bound[] {
  const [smallest, largest] = [sites[0], sites.at(-1)];
  return [
    {
      name: `time of the ${small.program} beside an empty program`,
      value: small.seconds / empty.seconds,
      most: mostTimesEmpty,
      unit: "×",
    },
    ...steps(sites).map(([before, after]) => ({
      name: `resources for each guest more, ${before.guests} to ${after.guests} guests`,
      value: perGuest(before, after, ({ resources }) => resources),
      most: mostResourcesAGuest,
      unit: "",
    })),
    ...(smallest && largest && sites.length > 2
      ? [
          {
            name: `time for each guest more, ${sites.at(-2)?.guests} to ${largest.guests} guests beside the step before`,
            value: growth(sites),
            most: mostGrowth,
            unit: "×",
          },
        ]
      : []),
  ];
}

export function holds({ value, most }: Bound): boolean {
  return value <= most;
}

/** What each guest costs in the last step beside the one before: 1 where costs grow in proportion. */
function growth(sites: readonly Measurement[]): number {
  const [before, last] = steps(sites).slice(-2);
  if (!before || !last) return 1;
  const seconds = ({ seconds }: Measurement) => seconds;
  return perGuest(...last, seconds) / perGuest(...before, seconds);
}

function perGuest(
  before: Measurement,
  after: Measurement,
  figure: (measurement: Measurement) => number,
): number {
  return (figure(after) - figure(before)) / ((after.guests ?? 0) - (before.guests ?? 0));
}

function steps(sites: readonly Measurement[]): [Measurement, Measurement][] {
  return sites.slice(1).map((after, index) => [sites[index] ?? after, after]);
}
