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

type Field = "years" | "months" | "days" | "hours" | "minutes" | "seconds";
type Fields = { [F in Field]?: readonly number[] };

const limits: Record<Field, { readonly first: number; readonly last: number; readonly one: string }> = {
  years: { first: 0, last: 2199, one: "year" },
  months: { first: 1, last: 12, one: "month" },
  days: { first: 1, last: 31, one: "day" },
  hours: { first: 0, last: 23, one: "hour" },
  minutes: { first: 0, last: 59, one: "minute" },
  seconds: { first: 0, last: 59, one: "second" },
};

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

/** Carries a sentence out of the nested parsing; never leaves this file. */
class Refusal extends Error {
  readonly instead: string | undefined;

  constructor(message: string, instead?: string) {
    super(message);
    this.instead = instead;
  }
}

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

function parseDate(text: string): Fields {
  const parts = text.split("-");
  const [days = "", months = "", years = "*"] = parts.reverse();
  if (parts.length > 3) throw new Refusal(`"${text}" is no date; a date is "2026-10-21", "10-21" or "*-21"`);
  return {
    ...parseField("years", years),
    ...parseField("months", months),
    ...parseField("days", days),
  };
}

function parseTime(text: string): Fields {
  const [hours = "", minutes = "", seconds = "0", ...more] = text.split(":");
  if (more.length > 0) throw new Refusal(`"${text}" is no time; a time is "02:30", "*:00/15" or "8..17:00"`);
  return {
    ...parseField("hours", hours),
    ...parseField("minutes", minutes),
    ...parseField("seconds", seconds),
  };
}

function parseField(field: Field, text: string): Fields {
  if (text === "*") return {};
  const { first, last } = limits[field];
  const every = /^\*\/(\d+)$/.exec(text);
  if (every) return { [field]: repeat(field, first, numberOf(field, every[1] ?? "", text)) };
  const values = text.split(",").flatMap((item) => parseItem(field, item));
  return { [field]: [...new Set(values)].sort((a, b) => a - b).filter((value) => value <= last) };
}

function parseItem(field: Field, item: string): number[] {
  const { first, one } = limits[field];
  if (/\.\..*\//.test(item)) {
    throw new Refusal(`"${item}" repeats a range, which the server cannot; list the ${field} with commas`);
  }
  const range = /^(\d+)\.\.(\d+)$/.exec(item);
  if (range) {
    const [from, to] = [numberOf(field, range[1] ?? "", item), numberOf(field, range[2] ?? "", item)];
    if (from > to) throw new Refusal(`the range "${item}" ends before it starts; write "${to}..${from}"`);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  }
  const repetition = /^(\d+)\/(\d+)$/.exec(item);
  if (repetition) {
    const step = numberOf(field, repetition[2] ?? "", item);
    return repeat(field, numberOf(field, repetition[1] ?? "", item), step);
  }
  if (!/^\d+$/.test(item)) {
    throw new Refusal(`"${item}" is no ${one}; it can be "${first + 1}", "1..5", "${first}/2", "1,3" or "*"`);
  }
  return [numberOf(field, item, item)];
}

function repeat(field: Field, start: number, step: number): number[] {
  const { last, one } = limits[field];
  if (step === 0) throw new Refusal(`a ${one} repeated every 0 ${field} never comes; the smallest step is 1`);
  return Array.from({ length: Math.floor((last - start) / step) + 1 }, (_, index) => start + index * step);
}

function numberOf(field: Field, digits: string, item: string): number {
  const { first, last, one } = limits[field];
  const value = Number(digits);
  // A step may be smaller than the field's first value, so only the range's ends are compared for months and days.
  if (value > last || (value < first && !item.includes("/"))) {
    throw new Refusal(`the ${one} in "${item}" must be between ${first} and ${last}`);
  }
  return value;
}

/** The next times at which the event is due, strictly after `from`, taking the server's clock as UTC. */
export function nextRuns(event: CalendarEvent, from: Date, count: number): Date[] {
  const runs: Date[] = [];
  for (const day of daysFrom(event, from)) {
    for (const hour of event.hours ?? upTo(23)) {
      for (const minute of event.minutes ?? upTo(59)) {
        for (const second of event.seconds ?? upTo(59)) {
          const run = new Date(day + ((hour * 60 + minute) * 60 + second) * 1000);
          if (run <= from) continue;
          runs.push(run);
          if (runs.length === count) return runs;
        }
      }
    }
  }
  return runs;
}

function* daysFrom(event: CalendarEvent, from: Date): Generator<number> {
  const today = Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate());
  for (let year = from.getUTCFullYear(); year <= limits.years.last; year++) {
    if (event.years && !event.years.includes(year)) continue;
    for (let month = 1; month <= 12; month++) {
      if (event.months && !event.months.includes(month)) continue;
      for (let day = 1; day <= daysInMonth(year, month); day++) {
        const at = Date.UTC(year, month - 1, day);
        if (at < today || (event.days && !event.days.includes(day))) continue;
        const weekday = new Date(at).getUTCDay() || 7;
        if (!event.weekdays || event.weekdays.includes(weekday)) yield at;
      }
    }
  }
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function upTo(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, value) => value);
}
