import { type CalendarEvent, nextRuns, parseCalendarEvent } from "../pbs/calendar.ts";

/** The product that runs a schedule: each parses calendar events a little differently. */
export type Scheduler = "PVE" | "PBS" | "systemd";

export type Schedule =
  | {
      readonly ok: true;
      /** The longest time between two runs. */
      readonly longestGapHours: number;
      /** The shortest time between two runs. */
      readonly shortestGapHours: number;
      /** Three runs that follow each other, for a person who wonders what was written. */
      readonly examples: string;
    }
  | { readonly ok: false; readonly reason: string };

const from = new Date("2027-01-01T00:00:00Z");
/** A schedule that runs until then is taken to run always. */
const forever = 2100;
/** So many days with a run hold every pattern of leap day, month end and weekday that a schedule can name. */
const daysToCompare = 800;

/** A schedule is asked for once for each guest that uses it. */
const parsed = new Map<string, Schedule>();

/** Parses a calendar event as the product would, and finds out how far apart its runs are. */
export function parseSchedule(scheduler: Scheduler, text: string): Schedule {
  const key = `${scheduler} ${text}`;
  const known = parsed.get(key);
  if (known) return known;
  const schedule = parse(scheduler, text);
  parsed.set(key, schedule);
  return schedule;
}

function parse(scheduler: Scheduler, text: string): Schedule {
  const unknownZone = scheduler === "systemd" ? / ([A-Za-z]+\/\S+)$/.exec(text)?.[1] : undefined;
  if (unknownZone !== undefined && !isTimeZone(unknownZone)) {
    return { ok: false, reason: `systemd cannot parse this schedule: there is no time zone ${unknownZone}` };
  }
  const event = parseCalendarEvent(common(scheduler, text));
  if (!event.ok) return { ok: false, reason: `${scheduler} cannot parse this schedule: ${event.reason}` };
  const gaps = gapsOf(event.event);
  const examples = nextRuns(event.event, from, 3);
  if (!gaps) {
    return { ok: false, reason: `this schedule ${examples.length === 1 ? "runs only once" : "never runs"}` };
  }
  const lastYear = event.event.years?.at(-1) ?? forever;
  if (lastYear < forever) {
    return { ok: false, reason: `this schedule runs for the last time in ${lastYear}` };
  }
  return { ok: true, ...gaps, examples: examples.map(written).join(", ") };
}

/**
 * The event in the notation that all three share. PVE takes a bare repetition such as the minutes in `*\/5`; PBS
 * documents only the full form `*:00/5`. systemd alone takes a time zone.
 */
function common(scheduler: Scheduler, text: string): string {
  if (scheduler === "PVE") return text.replace(/^\*\/(\d+)$/, "*:0/$1");
  if (scheduler === "PBS") return text;
  const zone = / ([A-Za-z]+(?:[/_+-][A-Za-z0-9_+-]+)*)$/.exec(text)?.[1];
  return zone !== undefined && isTimeZone(zone) ? text.slice(0, -zone.length - 1) : text;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** Hours between runs; undefined where there are fewer than two. */
function gapsOf(event: CalendarEvent): { longestGapHours: number; shortestGapHours: number } | undefined {
  const times = timesOfDay(event);
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? 0;
  const days = daysOf(event);
  const nights = pairs(days).map(([day, next]) => next - day - (last - first));
  const gapsSeconds = [...pairs(times).map(([time, next]) => next - time), ...nights];
  if (days.length === 0 || gapsSeconds.length === 0) return undefined;
  return {
    longestGapHours: gapsSeconds.reduce((most, gap) => Math.max(most, gap), 0) / 3600,
    shortestGapHours: gapsSeconds.reduce((least, gap) => Math.min(least, gap)) / 3600,
  };
}

/** Seconds after midnight, ascending. */
function timesOfDay({ hours, minutes, seconds }: CalendarEvent): number[] {
  return (hours ?? upTo(23)).flatMap((hour) =>
    (minutes ?? upTo(59)).flatMap((minute) =>
      (seconds ?? upTo(59)).map((second) => (hour * 60 + minute) * 60 + second),
    ),
  );
}

/** Seconds since 1970 of the first run of each day on which there is one. */
function daysOf(event: CalendarEvent): number[] {
  const firstOf = (values: readonly number[] | undefined) => values?.slice(0, 1) ?? [0];
  const onceADay = {
    ...event,
    hours: firstOf(event.hours),
    minutes: firstOf(event.minutes),
    seconds: firstOf(event.seconds),
  };
  const before = new Date(from.getTime() - 1000);
  return nextRuns(onceADay, before, daysToCompare).map((run) => run.getTime() / 1000);
}

function pairs(values: readonly number[]): [number, number][] {
  return values.slice(1).map((value, index) => [values[index] ?? value, value]);
}

function upTo(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, value) => value);
}

function written(run: Date): string {
  const day = run.toLocaleDateString("en-GB", { weekday: "short", timeZone: "UTC" });
  return `${day} ${run.toISOString().slice(0, 16).replace("T", " ")}`;
}
