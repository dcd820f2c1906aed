import { type CalendarEvent, nextRuns, parseCalendarEvent } from "./calendar.ts";

const dayMs = 86_400_000;
const minuteMs = 60_000;
const shownRuns = 3;

/**
 * Why a schedule cannot be taken: the server would not understand it, or it never comes. Where it is clear what is
 * meant, the sentence ends with when that would run.
 */
export function refuseSchedule(text: string, now: Date): string | undefined {
  const parsed = parseCalendarEvent(text);
  if (parsed.ok) {
    return nextRuns(parsed.event, now, 1).length > 0
      ? undefined
      : `the schedule "${text}" never comes (again): no day from ${dayOf(now)} on has this date, weekday and year`;
  }
  const meant = parsed.instead === undefined ? undefined : parseCalendarEvent(parsed.instead);
  return meant?.ok
    ? `${parsed.reason}. "${parsed.instead}" would run ${timesOf(nextRuns(meant.event, now, shownRuns))}`
    : parsed.reason;
}

/** What is odd about a schedule that the server takes, with its next three runs; undefined where nothing is. */
export function adviseOnSchedule(text: string, now: Date): string | undefined {
  const parsed = parseCalendarEvent(text);
  if (!parsed.ok) return undefined;
  const runs = nextRuns(parsed.event, now, shownRuns);
  if (runs.length === 0) return undefined;
  const oddity = oddityOf(parsed.event, runs, now);
  return oddity && `the schedule "${text}" ${oddity}: it runs ${timesOf(runs)} by the server's clock`;
}

function oddityOf(event: CalendarEvent, runs: readonly Date[], now: Date): string | undefined {
  if (event.seconds?.length !== 1) {
    return "comes several times a minute, but the server looks at its schedules once a minute";
  }
  if (runs.length < shownRuns) return `comes only ${runs.length === 1 ? "once" : "twice"} more`;
  const moments = [now, ...runs].map((run) => run.getTime());
  const gapsMs = moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));
  if (gapsMs.slice(1).every((gapMs) => gapMs <= minuteMs)) return "comes every minute";
  // From one date to the same of the next year it is 366 days at most.
  if (gapsMs.some((gapMs) => gapMs > 366 * dayMs)) return "comes less than once a year";
  return undefined;
}

function timesOf(runs: readonly Date[]): string {
  const times = runs.map((run) => run.toISOString().slice(0, 19).replace("T", " ").replace(/:00$/, ""));
  const last = times.at(-1) ?? "never";
  return times.length > 1 ? `${times.slice(0, -1).join(", ")} and ${last}` : last;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
