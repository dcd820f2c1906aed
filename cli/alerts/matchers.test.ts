import { expect, test } from "vitest";
import { matcherText, matches, parseDuration, parseMatcher } from "./matchers.ts";

test.each([
  ["severity=warning", "severity=warning"],
  ['alertname =~ "Postgres.+"', 'alertname=~"Postgres.+"'],
  ["instance!=proj-pg02", "instance!=proj-pg02"],
  ['database!~"a b|c"', 'database!~"a b|c"'],
  ["comment=a=b", 'comment="a=b"'],
])("%s is read as a matcher", (given, read) => {
  expect(matcherText(parseMatcher(given))).toBe(read);
});

test.each(["proj-pg02", "=x", "a b=c", "instance=~proj-(pg"])("%s is refused with what to write", (text) => {
  expect(() => parseMatcher(text)).toThrow(
    expect.objectContaining({ exitCode: 2, hint: expect.any(String) }),
  );
});

test("a label that an alert lacks counts as empty, and a regular expression is held against the whole value", () => {
  const meant = (text: string) => matches([parseMatcher(text)], { alertname: "PostgresDown" });
  expect(meant("alertname=~Postgres.+")).toBe(true);
  expect(meant("alertname=~Postgres")).toBe(false);
  expect(meant("instance!=h")).toBe(true);
  expect(meant("instance=")).toBe(true);
});

test("times are read in the units that Prometheus has", () => {
  expect(["90s", "30m", "1h30m", "7d", "1w"].map(parseDuration)).toEqual([90, 1800, 5400, 604_800, 604_800]);
  for (const text of ["", "0m", "2", "1.5h", "2 h", "1y"])
    expect(() => parseDuration(text)).toThrow("length of time");
});
