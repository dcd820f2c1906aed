/** A calendar event as Proxmox VE understands it: when it matches, in the server's time zone (here UTC). */
export interface CalendarEvent {
  /** 0 = Sunday; empty means every day. */
  weekdays: ReadonlySet<number>;
  years: Matcher;
  months: Matcher;
  days: Matcher;
  hours: Matcher;
  minutes: Matcher;
  seconds: Matcher;
}

type Matcher = (value: number) => boolean;

const any: Matcher = () => true;
const weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const shorthands: Record<string, string> = {
  minutely: "*:*",
  hourly: "*:0",
  daily: "0:0",
  weekly: "mon 0:0",
  monthly: "*-1 0:0",
  quarterly: "*-1,4,7,10-1 0:0",
  semiannually: "*-1,7-1 0:0",
  "semi-annually": "*-1,7-1 0:0",
  yearly: "*-1-1 0:0",
  annually: "*-1-1 0:0",
};

/** Parses `[WEEKDAY] [[YEAR-]MONTH-DAY] [[HOUR:]MINUTE[:SECOND]]`; fails with the part that is wrong. */
export function parseCalendarEvent(text: string): CalendarEvent {
  const given = text.trim().toLowerCase();
  if (given === "") throw new Error("unable to parse calendar event - event is empty");
  const parts = (shorthands[given] ?? given).split(/\s+/);
  const event: CalendarEvent = {
    weekdays: new Set(),
    years: any,
    months: any,
    days: any,
    hours: (hour) => hour === 0,
    minutes: (minute) => minute === 0,
    seconds: (second) => second === 0,
  };
  if (/^[a-z]/.test(parts[0] ?? "")) event.weekdays = parseWeekdays(parts.shift() ?? "");
  if (/-/.test(parts[0] ?? "")) Object.assign(event, parseDate(parts.shift() ?? ""));
  if (parts.length > 0) Object.assign(event, parseTime(parts.shift() ?? ""));
  if (parts.length > 0) throw new Error(`unable to parse calendar event - unexpected '${parts.join(" ")}'`);
  return event;
}

/**
 * The first match after a moment; `undefined` where there is none within the next ten years.
 *
 * @param after Unix time in seconds
 * @returns Unix time in seconds
 */
export function nextRun(event: CalendarEvent, after: number): number | undefined {
  const daySeconds = 86_400;
  const firstDay = Math.floor(after / daySeconds);
  for (let day = firstDay; day < firstDay + 3660; day++) {
    if (!matchesDay(event, new Date(day * daySeconds * 1000))) continue;
    const from = day === firstDay ? (after % daySeconds) + 1 : 0;
    const second = firstSecond(event, Math.floor(from));
    if (second !== undefined) return day * daySeconds + second;
  }
  return undefined;
}

function matchesDay(event: CalendarEvent, date: Date): boolean {
  return (
    event.years(date.getUTCFullYear()) &&
    event.months(date.getUTCMonth() + 1) &&
    event.days(date.getUTCDate()) &&
    (event.weekdays.size === 0 || event.weekdays.has(date.getUTCDay()))
  );
}

function firstSecond(event: CalendarEvent, from: number): number | undefined {
  for (let hour = Math.floor(from / 3600); hour < 24; hour++) {
    if (!event.hours(hour)) continue;
    for (let minute = 0; minute < 60; minute++) {
      if (!event.minutes(minute) || hour * 3600 + minute * 60 + 59 < from) continue;
      for (let second = 0; second < 60; second++) {
        const moment = hour * 3600 + minute * 60 + second;
        if (moment >= from && event.seconds(second)) return moment;
      }
    }
  }
  return undefined;
}

function parseWeekdays(text: string): Set<number> {
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [from = "", to, ...rest] = part.split("..");
    if (rest.length > 0) throw new Error(`unable to parse calendar event - weekday '${part}'`);
    const first = weekday(from);
    const last = to === undefined ? first : weekday(to);
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return days;
}

function weekday(text: string): number {
  const index = text.length < 3 ? -1 : weekdayNames.findIndex((name) => text.startsWith(name));
  const full = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"][index];
  if (index === -1 || full?.startsWith(text) !== true) {
    throw new Error(`unable to parse calendar event - unknown weekday '${text}'`);
  }
  return index;
}

function parseDate(text: string): Pick<CalendarEvent, "years" | "months" | "days"> {
  const parts = text.split("-");
  const [years = "*", months = "*", days = "*"] = parts.length === 2 ? ["*", ...parts] : parts;
  if (parts.length > 3) throw new Error(`unable to parse calendar event - date '${text}'`);
  return {
    years: matcher(years, 1970, 9999, "year"),
    months: matcher(months, 1, 12, "month"),
    days: matcher(days, 1, 31, "day"),
  };
}

function parseTime(text: string): Pick<CalendarEvent, "hours" | "minutes" | "seconds"> {
  const parts = text.split(":");
  const [hours = "*", minutes = "0", seconds = "0"] = parts.length === 1 ? ["*", ...parts] : parts;
  if (parts.length > 3) throw new Error(`unable to parse calendar event - time '${text}'`);
  return {
    hours: matcher(hours, 0, 23, "hour"),
    minutes: matcher(minutes, 0, 59, "minute"),
    seconds: matcher(seconds, 0, 59, "second"),
  };
}

/** One field: `*`, a star with a step, `3`, `1..5`, `2/10` and lists of these. */
function matcher(text: string, minimum: number, maximum: number, unit: string): Matcher {
  const wrong = (why: string) => new Error(`unable to parse calendar event - ${unit} '${text}' ${why}`);
  const number = (part: string): number => {
    if (!/^\d+$/.test(part)) throw wrong("is not a number");
    const value = Number(part);
    if (value < minimum || value > maximum) throw wrong(`is not within ${minimum}..${maximum}`);
    return value;
  };
  const alternatives = text.split(",").map((part): Matcher => {
    const [base = "", step, ...rest] = part.split("/");
    if (rest.length > 0) throw wrong("has two steps");
    if (step !== undefined && !/^[1-9]\d*$/.test(step))
      throw wrong("has a step that is not a positive number");
    const [from = "", to] = base.split("..");
    if (to !== undefined) {
      if (step !== undefined) throw wrong("has a range and a step");
      const [first, last] = [number(from), number(to)];
      if (first > last) throw wrong("has a range that ends before it begins");
      return (value) => value >= first && value <= last;
    }
    if (base === "*" && step === undefined) return any;
    const first = base === "*" ? minimum : number(base);
    if (step === undefined) return (value) => value === first;
    return (value) => value >= first && (value - first) % Number(step) === 0;
  });
  return (value) => alternatives.some((matches) => matches(value));
}
