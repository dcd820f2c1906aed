import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextRuns, parseCalendarEvent } from "../../infra/pbs/calendar.ts";
import { nextRun, parseSchedule } from "./calendar.ts";

const from = new Date("2026-03-04T10:30:00Z");

describe("a schedule", () => {
  it.each([
    ["daily", "2026-03-05T00:00:00Z"],
    ["02:30", "2026-03-05T02:30:00Z"],
    ["sat 15:00", "2026-03-07T15:00:00Z"],
    ["mon..fri 8..17:0/15", "2026-03-04T10:45:00Z"],
    ["Sat *-1..7 15:00", "2026-03-07T15:00:00Z"],
    ["*-02-29", "2028-02-29T00:00:00Z"],
    ["*:00/5", "2026-03-04T10:35:00Z"],
    ["minutely", "2026-03-04T10:31:00Z"],
    ["2027-1-1 12:00:30", "2027-01-01T12:00:30Z"],
    ["sat..mon", "2026-03-07T00:00:00Z"],
    ["sun,wed 10:30:01", "2026-03-04T10:30:01Z"],
  ])("%s is due at %s", (text, due) => {
    const schedule = parseSchedule(text);
    expect(schedule && nextRun(schedule, from)?.toISOString()).toBe(due.replace("Z", ".000Z"));
  });

  it.each([
    "",
    "@daily",
    "*/5",
    "25:00",
    "noon",
    "mon-fri 8:00",
    "30 2 * * 6",
    "02:30 UTC",
    "1..10/2:00",
    "*-13-1",
    "5..3:00",
    " daily",
  ])("%o is none", (text) => {
    expect(parseSchedule(text)).toBeUndefined();
  });

  it("in the past is never due", () => {
    const schedule = parseSchedule("2020-1-1 00:00");
    expect(schedule && nextRun(schedule, from)).toBeUndefined();
  });
});

const number = (last: number) => fc.integer({ min: 0, max: last }).map(String);
const item = (last: number) =>
  fc.oneof(
    number(last + 1),
    fc.tuple(number(last), number(last)).map(([a, b]) => `${a}..${b}`),
    fc.tuple(number(last), number(last)).map(([a, b]) => `${a}/${b}`),
  );
const field = (last: number) =>
  fc.oneof(
    fc.constant("*"),
    number(last).map((n) => `*/${n}`),
    fc.array(item(last), { minLength: 1, maxLength: 3 }).map((list) => list.join(",")),
  );
const weekday = fc.constantFrom("mon", "Tuesday", "wed..fri", "sat..mon", "sun,tue", "mon-fri", "xyz");
const date = fc.oneof(
  fc.tuple(field(12), field(31)).map((parts) => parts.join("-")),
  fc.tuple(fc.constantFrom("*", "2026", "2027..2029"), field(12), field(31)).map((parts) => parts.join("-")),
);
const time = fc.oneof(
  fc.tuple(field(23), field(59)).map((parts) => parts.join(":")),
  fc.tuple(field(23), field(59), field(59)).map((parts) => parts.join(":")),
);
const expression = fc
  .tuple(fc.option(weekday), fc.option(date), fc.option(time))
  .map((parts) => parts.filter((part) => part !== null).join(" "));

it("is read as the provider reads it, so that neither has a mistake of its own", () => {
  fc.assert(
    fc.property(expression, (text) => {
      const [ours, theirs] = [parseSchedule(text), parseCalendarEvent(text)];
      expect({ text, accepted: ours !== undefined }).toEqual({ text, accepted: theirs.ok });
      if (!ours || !theirs.ok) return;
      const due = nextRun(ours, from)?.toISOString();
      const expected = nextRuns(theirs.event, from, 1)[0];
      // The provider looks as far as the year 2199.
      if (due !== undefined) expect({ text, due }).toEqual({ text, due: expected?.toISOString() });
    }),
    { numRuns: 500 },
  );
});
