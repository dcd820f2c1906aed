import { nextRuns, parseCalendarEvent } from "../pbs/calendar.ts";

/** The product that runs a schedule: each parses calendar events a little differently. */
export type Scheduler = "PVE" | "PBS";

export type Schedule =
  | { readonly ok: true; readonly longestGapHours: number }
  | { readonly ok: false; readonly reason: string };

// The two calendar years that hold every pattern of leap day, month end and weekday a schedule can name within a year.
const from = new Date("2027-01-01T00:00:00Z");
const runsToCompare = 800;

/**
 * Parses a calendar event as the product would, and finds the longest time between two runs in hours.
 * PVE takes a bare repetition such as the minutes in `*\/5`; PBS documents only the full form `*:00/5`.
 */
export function parseSchedule(scheduler: Scheduler, text: string): Schedule {
  const event = parseCalendarEvent(scheduler === "PVE" ? text.replace(/^\*\/(\d+)$/, "*:0/$1") : text);
  if (!event.ok) return { ok: false, reason: `${scheduler} cannot parse this schedule: ${event.reason}` };
  const runs = nextRuns(event.event, from, runsToCompare);
  if (runs.length < 2)
    return { ok: false, reason: `this schedule runs ${runs.length === 1 ? "only once" : "never"}` };
  let longestGapHours = 0;
  for (const [index, run] of runs.entries()) {
    const next = runs[index + 1];
    if (next) longestGapHours = Math.max(longestGapHours, (next.getTime() - run.getTime()) / 3_600_000);
  }
  return { ok: true, longestGapHours };
}
