import { type Fields, parseDate, parseTime, Refusal } from "./calendar-fields.ts";

export { nextRuns } from "./calendar-runs.ts";

/**
 * Schedules as Proxmox Backup Server writes them: `[WEEKDAY] [[YEARS-]MONTHS-DAYS] [HOURS:MINUTES[:SECONDS]]`.
 * The server compares them once a minute in its own time zone.
 */
export interface CalendarEvent {
  /** ISO weekdays (1 is Monday, 7 is Sunday); every day when absent. */
  readonly weekdays?: readonly number[];
  /** Each field holds its values in ascending order; absent means every value. */
  readonly years?: readonly number[];
  readonly months?: readonly number[];
  readonly days?: readonly number[];
  readonly hours?: readonly number[];
  readonly minutes?: readonly number[];
  readonly seconds?: readonly number[];
}

/** A parsed event, or in one sentence what is wrong, and where that is clear, what is probably meant. */
export type ParsedCalendarEvent =
  | { readonly ok: true; readonly event: CalendarEvent }
  | { readonly ok: false; readonly reason: string; readonly instead?: string };

const weekdayNames = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const midnight = { hours: [0], minutes: [0], seconds: [0] };

const shorthands: Readonly<Record<string, CalendarEvent>> = {
  minutely: { seconds: [0] },
  hourly: { minutes: [0], seconds: [0] },
  daily: midnight,
  weekly: { weekdays: [1], ...midnight },
  monthly: { days: [1], ...midnight },
  yearly: { months: [1], days: [1], ...midnight },
  annually: { months: [1], days: [1], ...midnight },
  quarterly: { months: [1, 4, 7, 10], days: [1], ...midnight },
  semiannually: { months: [1, 7], days: [1], ...midnight },
  "semi-annually": { months: [1, 7], days: [1], ...midnight },
};

/** Parses a calendar event as Proxmox Backup Server does. */
export function parseCalendarEvent(text: string): ParsedCalendarEvent {
  const shorthand = Object.hasOwn(shorthands, text) ? shorthands[text] : undefined;
  if (shorthand) return { ok: true, event: shorthand };
  try {
    return { ok: true, event: parseParts(text) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const reason = `"${text}" is not a calendar event: ${error.message}`;
    const { instead } = error;
    return instead !== undefined && parseCalendarEvent(instead).ok
      ? { ok: false, reason, instead }
      : { ok: false, reason };
  }
}

function parseParts(text: string): CalendarEvent {
  refuseForeignNotation(text);
  const parts = text.split(/[ \t]+/);
  const event: { weekdays?: readonly number[] } & Fields = {};
  let has: "nothing" | "weekday" | "date" | "time" = "nothing";
  for (const part of parts) {
    if (/^[a-z]/i.test(part)) {
      if (has !== "nothing") throw new Refusal(`the weekday "${part}" comes first, for example "sat 15:00"`);
      event.weekdays = parseWeekdays(part);
      has = "weekday";
    } else if (part.includes(":")) {
      if (has === "time") throw new Refusal(`it has a second time "${part}"; list hours as in "6,18:00"`);
      Object.assign(event, parseTime(part));
      has = "time";
    } else if (part.includes("-")) {
      if (has === "time") throw new Refusal(`the date "${part}" comes before the time, as in "*-1 04:00"`);
      if (has === "date") throw new Refusal(`it has a second date "${part}"; list days as in "*-1,15"`);
      Object.assign(event, parseDate(part));
      has = "date";
    } else {
      throw notADateNorTime(text, part);
    }
  }
  return has === "time" ? event : { ...event, ...midnight };
}

/** Proxmox VE takes a part without a colon for minutes; the backup server's documentation knows no such part. */
function notADateNorTime(text: string, part: string): Refusal {
  const neither = `"${part}" is neither a date (with "-") nor a time (with ":")`;
  if (!/^[\d*/.,]+$/.test(part)) return new Refusal(`${neither}; every five minutes is "*:00/5"`);
  const instead = text.replace(part, `*:${part.replace(/^\*\//, "00/")}`);
  return new Refusal(`${neither}; Proxmox VE takes that for minutes, which are "${instead}" here`, instead);
}

function refuseForeignNotation(text: string): void {
  if (text === "") throw new Refusal('it is empty; every night is "02:30"');
  if (text !== text.trim()) throw new Refusal("remove the blanks around it", text.trim());
  if (text.startsWith("@")) {
    throw new Refusal(
      'the server knows neither "@daily" nor "@12345"; write "daily" or a date and a time',
      text.slice(1),
    );
  }
  if (text.includes("~")) {
    throw new Refusal('the server cannot count days from the end of a month; write for example "*-28"');
  }
  if (/^\S+( \S+){4}$/.test(text) && !text.includes(":")) {
    throw new Refusal('it is written for cron; cron\'s "30 2 * * 6" is "sat 02:30" here');
  }
  const zone = /[:\d] ([A-Z]{2,5}|[A-Za-z_]+\/[A-Za-z_/]+)$/.exec(text)?.[1];
  if (zone && !weekdayOf(zone)) {
    throw new Refusal(
      `the server takes no time zone; remove "${zone}", times are in the server's own zone`,
      text.slice(0, -zone.length).trim(),
    );
  }
}

function parseWeekdays(text: string): number[] {
  const days = new Set<number>();
  for (const item of text.split(",")) {
    const [from = "", to, ...more] = item.split("..");
    const first = weekdayOf(from);
    const last = to === undefined ? first : weekdayOf(to);
    if (!first || !last || more.length > 0) throw weekdayRefusal(item);
    for (let day = first; ; day = (day % 7) + 1) {
      days.add(day);
      if (day === last) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

function weekdayRefusal(item: string): Refusal {
  if (Object.hasOwn(shorthands, item)) {
    return new Refusal(`"${item}" stands alone; a time of every day is just "05:30"`);
  }
  const advice = item.includes("-") ? "a range is written mon..fri" : "weekdays are mon, tue, … sun";
  return new Refusal(`"${item}" is no weekday; ${advice}`);
}

function weekdayOf(name: string): number | undefined {
  const lower = name.toLowerCase();
  const index = weekdayNames.findIndex((day) => day === lower || day.slice(0, 3) === lower);
  return index < 0 ? undefined : index + 1;
}
