import { describe, expect, it } from "vitest";
import { adviseOnSchedule, refuseSchedule } from "./calendar-check.ts";

const now = new Date("2026-05-20T12:00:30Z"); // a Wednesday

describe("a schedule that is refused", () => {
  it.each([
    [
      "*/5",
      '"*/5" is not a calendar event: "*/5" is neither a date (with "-") nor a time (with ":"); Proxmox VE takes that for minutes, which are "*:00/5" here. "*:00/5" would run 2026-05-20 12:05, 2026-05-20 12:10 and 2026-05-20 12:15',
    ],
    [
      "02:30 Europe/Berlin",
      '"02:30 Europe/Berlin" is not a calendar event: the server takes no time zone; remove "Europe/Berlin", times are in the server\'s own zone. "02:30" would run 2026-05-21 02:30, 2026-05-22 02:30 and 2026-05-23 02:30',
    ],
    [
      "@weekly",
      '"@weekly" is not a calendar event: the server knows neither "@daily" nor "@12345"; write "daily" or a date and a time. "weekly" would run 2026-05-25 00:00, 2026-06-01 00:00 and 2026-06-08 00:00',
    ],
    ["24:00", '"24:00" is not a calendar event: the hour in "24" must be between 0 and 23'],
    [
      "02-30",
      'the schedule "02-30" never comes (again): no day from 2026-05-20 on has this date, weekday and year',
    ],
    [
      "mon 2026-05-19 02:00",
      'the schedule "mon 2026-05-19 02:00" never comes (again): no day from 2026-05-20 on has this date, weekday and year',
    ],
  ])("%s", (text, message) => {
    expect(refuseSchedule(text, now)).toBe(message);
    expect(adviseOnSchedule(text, now)).toBeUndefined();
  });
});

describe("a schedule that is odd", () => {
  it.each([
    [
      "minutely",
      'the schedule "minutely" comes every minute: it runs 2026-05-20 12:01, 2026-05-20 12:02 and 2026-05-20 12:03 by the server\'s clock',
    ],
    [
      "*:*:0/20",
      'the schedule "*:*:0/20" comes several times a minute, but the server looks at its schedules once a minute: it runs 2026-05-20 12:00:40, 2026-05-20 12:01 and 2026-05-20 12:01:20 by the server\'s clock',
    ],
    [
      "sat *-02-29 03:00",
      'the schedule "sat *-02-29 03:00" comes less than once a year: it runs 2048-02-29 03:00, 2076-02-29 03:00 and 2116-02-29 03:00 by the server\'s clock',
    ],
    [
      "fri *-03-13",
      'the schedule "fri *-03-13" comes less than once a year: it runs 2037-03-13 00:00, 2043-03-13 00:00 and 2048-03-13 00:00 by the server\'s clock',
    ],
    [
      "2026-12-24 02:00",
      'the schedule "2026-12-24 02:00" comes only once more: it runs 2026-12-24 02:00 by the server\'s clock',
    ],
  ])("%s", (text, message) => {
    expect(refuseSchedule(text, now)).toBeUndefined();
    expect(adviseOnSchedule(text, now)).toBe(message);
  });
});

describe("a schedule that nobody needs to be told of", () => {
  it.each([
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "02:30",
    "*:00/5",
    "*:0/2",
    "mon..fri 8..17:0/15",
    "*-12-24",
  ])("%s", (text) => {
    expect(refuseSchedule(text, now)).toBeUndefined();
    expect(adviseOnSchedule(text, now)).toBeUndefined();
  });
});
