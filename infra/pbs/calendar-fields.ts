type Field = "years" | "months" | "days" | "hours" | "minutes" | "seconds";
/** What a date or a time says of each of its fields; absent means every value. */
export type Fields = { [F in Field]?: readonly number[] };

/** Between which values each field lies. */
export const limits: Record<Field, { readonly first: number; readonly last: number; readonly one: string }> =
  {
    years: { first: 0, last: 2199, one: "year" },
    months: { first: 1, last: 12, one: "month" },
    days: { first: 1, last: 31, one: "day" },
    hours: { first: 0, last: 23, one: "hour" },
    minutes: { first: 0, last: 59, one: "minute" },
    seconds: { first: 0, last: 59, one: "second" },
  };

/** Carries a sentence out of the nested parsing; no caller of `parseCalendarEvent` sees it. */
export class Refusal extends Error {
  readonly instead: string | undefined;

  constructor(message: string, instead?: string) {
    super(message);
    this.instead = instead;
  }
}

/** Parses `[[YEARS-]MONTHS-]DAYS`. @throws Refusal */
export function parseDate(text: string): Fields {
  const parts = text.split("-");
  const [days = "", months = "", years = "*"] = parts.reverse();
  if (parts.length > 3) throw new Refusal(`"${text}" is no date; a date is "2026-10-21", "10-21" or "*-21"`);
  return {
    ...parseField("years", years),
    ...parseField("months", months),
    ...parseField("days", days),
  };
}

/** Parses `HOURS:MINUTES[:SECONDS]`. @throws Refusal */
export function parseTime(text: string): Fields {
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
