import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KeepRules, selectKept } from "./prune.ts";

const at = (text: string, isProtected = false) => ({
  text,
  time: Date.parse(`${text}Z`) / 1000,
  protected: isProtected,
});
const kept = (backups: (ReturnType<typeof at> & { finished?: boolean })[], rules: KeepRules) =>
  [...selectKept(backups, rules)].map(({ text }) => text).toSorted();

describe("which backups stay", () => {
  const days = [
    "2026-03-01T02:00",
    "2026-03-02T02:00",
    "2026-03-02T14:00",
    "2026-03-03T02:00",
    "2026-03-09T02:00",
  ];

  it.each<[string, KeepRules, string[]]>([
    ["all without rules", {}, days],
    ["the last ones", { "keep-last": 2 }, ["2026-03-03T02:00", "2026-03-09T02:00"]],
    [
      "the newest of a day",
      { "keep-daily": 3 },
      ["2026-03-02T14:00", "2026-03-03T02:00", "2026-03-09T02:00"],
    ],
    [
      "the newest of a week from Monday",
      { "keep-weekly": 3 },
      ["2026-03-01T02:00", "2026-03-03T02:00", "2026-03-09T02:00"],
    ],
    [
      "by a later rule only in periods that an earlier one left open",
      { "keep-last": 1, "keep-weekly": 1 },
      ["2026-03-03T02:00", "2026-03-09T02:00"],
    ],
    ["the newest of a year", { "keep-yearly": 5 }, ["2026-03-09T02:00"]],
  ])("%s", (_, rules, expected) => {
    expect(
      kept(
        days.map((day) => at(day)),
        rules,
      ),
    ).toEqual(expected);
  });

  it("by a later rule not in the day that an earlier one has kept", () => {
    const backups = days.slice(0, 3).map((day) => at(day));
    expect(kept(backups, { "keep-last": 1, "keep-daily": 1 })).toEqual([
      "2026-03-01T02:00",
      "2026-03-02T14:00",
    ]);
  });

  it("counts a week to the year of its Thursday", () => {
    expect(kept([at("2025-12-29T00:00"), at("2026-01-01T00:00")], { "keep-weekly": 9 })).toEqual([
      "2026-01-01T00:00",
    ]);
  });

  it("leaves protected ones alone and does not count them", () => {
    const backups = [at("2026-03-01T00:00"), at("2026-03-02T00:00", true), at("2026-03-03T00:00")];
    expect(kept(backups, { "keep-last": 1 })).toEqual(["2026-03-02T00:00", "2026-03-03T00:00"]);
  });

  it("keeps a failed backup only while it is the newest", () => {
    const failed = (text: string) => ({ ...at(text), finished: false });
    expect(
      kept([failed("2026-03-01T00:00"), at("2026-03-02T00:00"), failed("2026-03-03T00:00")], {
        "keep-last": 9,
      }),
    ).toEqual(["2026-03-02T00:00", "2026-03-03T00:00"]);
    expect(kept([failed("2026-03-01T00:00"), at("2026-03-02T00:00")], {})).toHaveLength(2);
  });

  const backups = fc
    .uniqueArray(fc.integer({ min: 1_700_000_000, max: 1_760_000_000 }), { maxLength: 60 })
    .map((times) => times.map((time) => ({ time, protected: false })));
  const count = fc.integer({ min: 1, max: 9 });
  const rules = fc.record(
    {
      "keep-last": count,
      "keep-hourly": count,
      "keep-daily": count,
      "keep-weekly": count,
      "keep-monthly": count,
      "keep-yearly": count,
    },
    { requiredKeys: [] },
  );

  it("always keeps the newest and never more than the rules add up to", () => {
    fc.assert(
      fc.property(backups, rules, (given, rule) => {
        const result = selectKept(given, rule);
        const newest = given.toSorted((a, b) => b.time - a.time)[0];
        if (newest) expect(result.has(newest)).toBe(true);
        const most = Object.values(rule).reduce((sum, one) => sum + (one ?? 0), 0);
        if (most > 0) expect(result.size).toBeLessThanOrEqual(most);
      }),
    );
  });

  it("keeps the same when it runs again", () => {
    fc.assert(
      fc.property(backups, rules, (given, rule) => {
        const once = [...selectKept(given, rule)];
        expect(selectKept(once, rule)).toEqual(new Set(once));
      }),
    );
  });
});
