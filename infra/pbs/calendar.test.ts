import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CalendarEvent, nextRuns, parseCalendarEvent } from "./calendar.ts";

function parse(text: string): CalendarEvent {
  const parsed = parseCalendarEvent(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.event;
}

describe("events that the server accepts", () => {
  const from = new Date("2026-01-01T00:00:00Z"); // a Thursday
  it.each([
    ["minutely", "2026-01-01T00:01:00"],
    ["hourly", "2026-01-01T01:00:00"],
    ["daily", "2026-01-02T00:00:00"],
    ["weekly", "2026-01-05T00:00:00"],
    ["monthly", "2026-02-01T00:00:00"],
    ["quarterly", "2026-04-01T00:00:00"],
    ["semiannually", "2026-07-01T00:00:00"],
    ["semi-annually", "2026-07-01T00:00:00"],
    ["yearly", "2027-01-01T00:00:00"],
    ["annually", "2027-01-01T00:00:00"],
    ["12:05", "2026-01-01T12:05:00"],
    ["2:30:15", "2026-01-01T02:30:15"],
    ["*:00/5", "2026-01-01T00:05:00"],
    ["0/1:0/5", "2026-01-01T00:05:00"],
    ["*:*", "2026-01-01T00:01:00"],
    ["*/6:00", "2026-01-01T06:00:00"],
    ["mon..wed *:30/10", "2026-01-05T00:30:00"],
    ["mon..fri 8..17,22:0/15", "2026-01-01T08:00:00"],
    ["fri 12..13:5/20", "2026-01-02T12:05:00"],
    ["12,14,16,18,20,22:5", "2026-01-01T12:05:00"],
    ["12/2:5", "2026-01-01T12:05:00"],
    ["*-05", "2026-01-05T00:00:00"],
    ["Sat *-1..7 15:00", "2026-01-03T15:00:00"],
    ["Saturday,SUN 03:00", "2026-01-03T03:00:00"],
    ["sat..mon", "2026-01-03T00:00:00"],
    ["2026-10-21", "2026-10-21T00:00:00"],
    ["*-02-29 01:00", "2028-02-29T01:00:00"],
    ["2027/2-1-1", "2027-01-01T00:00:00"],
  ])("%s", (text, first) => {
    expect(nextRuns(parse(text), from, 1)).toEqual([new Date(`${first}Z`)]);
  });

  it("counts the runs of a workday", () => {
    const runs = nextRuns(parse("mon..fri 8..17,22:0/15"), from, 200);
    expect(runs.filter((run) => run.toISOString().startsWith("2026-01-02"))).toHaveLength(44);
  });

  it("never comes on a day that does not exist", () => {
    expect(nextRuns(parse("02-30"), from, 1)).toEqual([]);
  });
});

describe("events that the server refuses", () => {
  it.each([
    ["", "it is empty"],
    [" daily", "blanks around"],
    ["@daily", 'write "daily"'],
    ["@1234567", "a date and a time"],
    ["*/5", 'Proxmox VE takes that for minutes, which are "*:00/5" here'],
    ["mon..fri 0/15", 'which are "mon..fri *:0/15" here'],
    ["1..10/2:00", "repeats a range"],
    ["02:30 Europe/Berlin", 'remove "Europe/Berlin"'],
    ["02:30 UTC", 'remove "UTC"'],
    ["30 2 * * 6", "cron"],
    ["daily 05:30", '"daily" stands alone'],
    ["mon-fri", "mon..fri"],
    ["mon..", "weekdays are mon"],
    ["caturday", "weekdays are mon"],
    ["15:00 sat", "comes first"],
    ["04:00 *-1", "comes before the time"],
    ["24:00", "between 0 and 23"],
    ["12:60", "between 0 and 59"],
    ["13-01", "between 1 and 12"],
    ["0-1", "between 1 and 12"],
    ["*-32", "between 1 and 31"],
    ["2200-01-01", "between 0 and 2199"],
    ["17..8:00", 'write "8..17"'],
    ["0/0:00", "smallest step is 1"],
    ["2026-03~01", "from the end of a month"],
    ["1-2-3-4", "is no date"],
    ["1:2:3:4", "is no time"],
    ["1:", "is no minute"],
    ["*,5:00", "is no hour"],
    ["02:30 03:30", "second time"],
    ["*-1 *-2", "second date"],
    ["8", "neither a date"],
    ["constructor", "no weekday"],
  ])("%s", (text, advice) => {
    const parsed = parseCalendarEvent(text);
    expect(parsed).toMatchObject({ ok: false, reason: expect.stringContaining(advice) });
    expect(parsed).toMatchObject({
      ok: false,
      reason: expect.stringContaining(`"${text}" is not a calendar event`),
    });
  });

  it("never throws, whatever is given", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9*/.,: -]{0,20}$/)), (text) => {
        expect(typeof parseCalendarEvent(text).ok).toBe("boolean");
      }),
    );
  });
});

const field = (first: number, last: number) =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min: first, max: last }).map(String),
    fc
      .tuple(fc.integer({ min: first, max: last }), fc.integer({ min: 1, max: 5 }))
      .map((pair) => pair.join("/")),
    fc
      .tuple(fc.integer({ min: first, max: last }), fc.integer({ min: first, max: last }))
      .map(([a, b]) => `${Math.min(a, b)}..${Math.max(a, b)}`),
    fc
      .uniqueArray(fc.integer({ min: first, max: last }), { minLength: 1, maxLength: 4 })
      .map((list) => list.join(",")),
  );
const weekdays = fc.constantFrom("", "mon ", "sat,sun ", "mon..fri ", "fri..mon ");
const events = fc
  .tuple(weekdays, field(1, 12), field(1, 28), field(0, 23), field(0, 59))
  .map(([weekday, month, day, hour, minute]) => `${weekday}${month}-${day} ${hour}:${minute}`);
const moments = fc.date({
  min: new Date("2020-01-01T00:00:00Z"),
  max: new Date("2035-01-01T00:00:00Z"),
  noInvalidDate: true,
});

function isDue(event: CalendarEvent, at: Date): boolean {
  const has = (values: readonly number[] | undefined, value: number) => !values || values.includes(value);
  return (
    has(event.weekdays, at.getUTCDay() || 7) &&
    has(event.years, at.getUTCFullYear()) &&
    has(event.months, at.getUTCMonth() + 1) &&
    has(event.days, at.getUTCDate()) &&
    has(event.hours, at.getUTCHours()) &&
    has(event.minutes, at.getUTCMinutes()) &&
    has(event.seconds, at.getUTCSeconds())
  );
}

describe("the next runs", () => {
  it("match every field, come after the moment and ascend strictly", () => {
    fc.assert(
      fc.property(events, moments, (text, from) => {
        const event = parse(text);
        const runs = nextRuns(event, from, 5);
        expect(runs).toHaveLength(5);
        for (const [index, run] of runs.entries()) {
          expect(isDue(event, run)).toBe(true);
          expect(run.getTime()).toBeGreaterThan((runs[index - 1] ?? from).getTime());
        }
      }),
    );
  });

  it("leave no due minute out", () => {
    fc.assert(
      fc.property(
        fc.tuple(weekdays, field(0, 23), field(0, 59)),
        moments,
        ([weekday, hour, minute], moment) => {
          const event = parse(`${weekday}${hour}:${minute}`);
          const from = new Date(Math.floor(moment.getTime() / 60_000) * 60_000);
          const expected: Date[] = [];
          for (let at = from.getTime() + 60_000; expected.length < 3; at += 60_000) {
            if (isDue(event, new Date(at))) expected.push(new Date(at));
          }
          expect(nextRuns(event, from, 3)).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });
});
