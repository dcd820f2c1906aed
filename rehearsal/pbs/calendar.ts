/**
 * The server's own reading of calendar events. It shares nothing with the provider's parser on purpose: a schedule that
 * the provider lets through by mistake is refused here, as the product would.
 */
export interface Schedule {
  readonly weekdays: ReadonlySet<number> | undefined;
  /** Year, month and day; hour, minute and second. Undefined stands for every value. */
  readonly date: readonly (ReadonlySet<number> | undefined)[];
  readonly time: readonly (ReadonlySet<number> | undefined)[];
}

const shorthands: Readonly<Record<string, string>> = {
  minutely: "*:*:00",
  hourly: "*:00:00",
  daily: "00:00:00",
  weekly: "mon 00:00:00",
  monthly: "*-*-1 00:00:00",
  yearly: "*-1-1 00:00:00",
  annually: "*-1-1 00:00:00",
  quarterly: "*-1,4,7,10-1 00:00:00",
  semiannually: "*-1,7-1 00:00:00",
  "semi-annually": "*-1,7-1 00:00:00",
};
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const dateBounds = [
  [0, 2199],
  [1, 12],
  [1, 31],
] as const;
const timeBounds = [
  [0, 23],
  [0, 59],
  [0, 59],
] as const;

/** Undefined where the server cannot parse the text. */
export function parseSchedule(text: string): Schedule | undefined {
  const full = Object.hasOwn(shorthands, text) ? (shorthands[text] ?? text) : text;
  const shape =
    /^(?:([a-zA-Z][a-zA-Z.,]*)(?:[ \t]+(?=\S)|$))?(?:([^ \t:]*-[^ \t:]*)(?:[ \t]+(?=\S)|$))?([^ \t]*:[^ \t]*)?$/;
  const [whole, weekdays, date, time] = shape.exec(full) ?? [];
  if (!whole) return undefined;
  const dateFields = date === undefined ? [] : date.split("-");
  const timeFields = (time ?? "0:0:0").split(":");
  if (date !== undefined && (dateFields.length < 2 || dateFields.length > 3)) return undefined;
  if (timeFields.length < 2 || timeFields.length > 3) return undefined;
  const dateParts = [...Array(3 - dateFields.length).fill("*"), ...dateFields].map((field, index) =>
    valuesOf(field, dateBounds[index] ?? [0, 0]),
  );
  const timeParts = [...timeFields, ...Array(3 - timeFields.length).fill("0")].map((field, index) =>
    valuesOf(field, timeBounds[index] ?? [0, 0]),
  );
  const dayParts = weekdays === undefined ? "every" : weekdaysOf(weekdays);
  if (dayParts === "wrong" || [...dateParts, ...timeParts].includes("wrong")) return undefined;
  const every = (part: ReadonlySet<number> | string) => (typeof part === "string" ? undefined : part);
  return { weekdays: every(dayParts), date: dateParts.map(every), time: timeParts.map(every) };
}

type Part = ReadonlySet<number> | "every" | "wrong";

function valuesOf(field: string, [first, last]: readonly [number, number]): Part {
  if (field === "*") return "every";
  const values = new Set<number>();
  for (const item of field.split(",")) {
    const [, from = "", to, , step] = /^(\d+|\*)(?:\.\.(\d+)|(\/)(\d+))?$/.exec(item) ?? [];
    if (from === "" || (from === "*" && (step === undefined || field !== item))) return "wrong";
    const begin = from === "*" ? first : Number(from);
    if (begin > last || (begin < first && step === undefined) || Number(step) > last) return "wrong";
    const end = step !== undefined ? last : Number(to ?? begin);
    if (end > last || end < begin || step === "0" || Number(step) === 0) return "wrong";
    for (let value = begin; value <= end; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

function weekdaysOf(text: string): Part {
  const dayOf = (name: string | undefined) => {
    const lower = name?.toLowerCase() ?? "";
    return Math.max(days.indexOf(lower), dayNames.indexOf(lower));
  };
  const found = new Set<number>();
  for (const item of text.split(",")) {
    const ends = item.split("..");
    const [from, to] = [dayOf(ends[0]), dayOf(ends[1] ?? ends[0])];
    if (ends.length > 2 || from < 0 || to < 0) return "wrong";
    for (let step = 0; step <= (to - from + 7) % 7; step++) found.add((from + step) % 7);
  }
  return found;
}

const dayMs = 86_400_000;

/** The first time after a moment at which the schedule is due, in the server's time zone, which is UTC. */
export function nextRun(schedule: Schedule, after: Date): Date | undefined {
  const [years, months, monthDays] = schedule.date;
  const [hours, minutes, seconds] = schedule.time;
  const fits = (set: ReadonlySet<number> | undefined, value: number) => set?.has(value) ?? true;
  const begin = Math.floor(after.getTime() / dayMs) * dayMs;
  // The calendar repeats after 28 years (this century has no exception), so later there is nothing new.
  for (let at = begin; at < begin + 28 * 366 * dayMs; at += dayMs) {
    const day = new Date(at);
    const isDue =
      fits(years, day.getUTCFullYear()) &&
      fits(months, day.getUTCMonth() + 1) &&
      fits(monthDays, day.getUTCDate()) &&
      fits(schedule.weekdays, day.getUTCDay());
    if (!isDue) continue;
    // In the days after the first one only the earliest time counts.
    for (let second = 0; second < 86_400; second++) {
      if (at + second * 1000 <= after.getTime()) {
        second = Math.max(second, Math.floor((after.getTime() - at) / 1000));
        continue;
      }
      if (!fits(hours, Math.floor(second / 3600))) second += 3599 - (second % 3600);
      else if (!fits(minutes, Math.floor(second / 60) % 60)) second += 59 - (second % 60);
      else if (fits(seconds, second % 60)) return new Date(at + second * 1000);
    }
  }
  return undefined;
}
