import fc from "fast-check";
import { expect, test } from "vitest";
import { nextRun, parseCalendarEvent } from "./calendar.ts";

const after = (text: string, from: string): string | undefined => {
  const next = nextRun(parseCalendarEvent(text), Date.parse(from) / 1000);
  return next === undefined ? undefined : new Date(next * 1000).toISOString().replace(".000Z", "Z");
};

// 2026-05-20 is a Wednesday.
test.each([
  ["02:00", "2026-05-20T01:00:00Z", "2026-05-20T02:00:00Z"],
  ["02:00", "2026-05-20T02:00:00Z", "2026-05-21T02:00:00Z"],
  ["daily", "2026-05-20T12:00:00Z", "2026-05-21T00:00:00Z"],
  ["hourly", "2026-05-20T12:00:00Z", "2026-05-20T13:00:00Z"],
  ["weekly", "2026-05-20T12:00:00Z", "2026-05-25T00:00:00Z"],
  ["monthly", "2026-05-20T12:00:00Z", "2026-06-01T00:00:00Z"],
  ["yearly", "2026-05-20T12:00:00Z", "2027-01-01T00:00:00Z"],
  ["*/5", "2026-05-20T12:01:00Z", "2026-05-20T12:05:00Z"],
  ["*:0/15", "2026-05-20T12:46:00Z", "2026-05-20T13:00:00Z"],
  ["mon..fri 08:00", "2026-05-18T09:00:00Z", "2026-05-19T08:00:00Z"],
  ["sat 03:30", "2026-05-20T12:00:00Z", "2026-05-23T03:30:00Z"],
  ["mon..fri 8..17:0/15", "2026-05-22T17:45:00Z", "2026-05-25T08:00:00Z"],
  ["sat..mon 01:00", "2026-05-18T02:00:00Z", "2026-05-23T01:00:00Z"],
  ["sun *-1..7 15:00", "2026-05-20T12:00:00Z", "2026-06-07T15:00:00Z"],
  ["*-02-29 00:00", "2026-05-20T12:00:00Z", "2028-02-29T00:00:00Z"],
  ["12:05/20", "2026-05-20T12:06:00Z", "2026-05-20T12:25:00Z"],
  ["0:0:30", "2026-05-20T00:00:29Z", "2026-05-20T00:00:30Z"],
])("%s after %s is %s", (text, from, expected) => {
  expect(after(text, from)).toBe(expected);
});

test("an event that never comes has no next run", () => {
  expect(after("2020-01-01 00:00", "2026-05-20T12:00:00Z")).toBeUndefined();
});

test.each([
  ["", "event is empty"],
  ["25:00", "hour '25' is not within 0..23"],
  ["02:60", "minute '60' is not within 0..59"],
  ["someday 02:00", "unknown weekday 'someday'"],
  ["0:0/0", "a step that is not a positive number"],
  ["9..3:00", "a range that ends before it begins"],
  ["02:00 02:00", "unexpected '02:00'"],
  ["1..10/2:00", "a range and a step"],
])("'%s' is refused: %s", (text, reason) => {
  expect(() => parseCalendarEvent(text)).toThrow(reason);
});

test("the next run is later and matches the given hour and minute", () => {
  const times = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 4_000_000_000 }), ([hour, minute], from) => {
      const next = nextRun(parseCalendarEvent(`${hour}:${minute}`), from) ?? 0;
      const date = new Date(next * 1000);
      return (
        next > from && next - from <= 86_400 && date.getUTCHours() === hour && date.getUTCMinutes() === minute
      );
    }),
  );
});
