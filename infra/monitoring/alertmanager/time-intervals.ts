import type { Site } from "../../site.ts";

/** The time intervals of a site as Alertmanager's configuration has them. */
export function timeIntervalsOf({ monitoring: { timeIntervals } }: Pick<Site, "monitoring">): object[] {
  return Object.entries(timeIntervals).map(([name, intervals]) => ({
    name,
    time_intervals: intervals.map(({ times, weekdays, daysOfMonth, months, location }) => ({
      ...(times
        ? { times: times.map(({ startTime, endTime }) => ({ start_time: startTime, end_time: endTime })) }
        : {}),
      ...(weekdays ? { weekdays } : {}),
      ...(daysOfMonth ? { days_of_month: daysOfMonth } : {}),
      ...(months ? { months } : {}),
      location,
    })),
  }));
}
