import fc from "fast-check";
import { expect, it } from "vitest";
import { type KeepRules, markBackups, type Prunable } from "./prune.ts";

/**
 * The documented rules once more, slowly and in another way: numbers of days and weeks instead of parts of dates, one
 * backup chosen at a time, the rest of its period thrown away.
 */
type Fate = "keep" | "keep-partial" | "remove" | "protected";

const day = (time: number) => Math.floor(time / 86_400);
const month = (time: number) => {
  let [left, count] = [day(time), 0];
  for (;;) {
    const [year, inYear] = [1970 + Math.floor(count / 12), count % 12];
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    const length = inYear === 1 ? (leap ? 29 : 28) : [3, 5, 8, 10].includes(inYear) ? 30 : 31;
    if (left < length) return count;
    left -= length;
    count++;
  }
};
const periods: [keyof KeepRules, (time: number) => number][] = [
  ["keep-last", (time) => time],
  ["keep-hourly", (time) => Math.floor(time / 3600)],
  ["keep-daily", day],
  // The first of January 1970 was a Thursday, so weeks from Monday begin three days earlier.
  ["keep-weekly", (time) => Math.floor((day(time) + 3) / 7)],
  ["keep-monthly", month],
  ["keep-yearly", (time) => Math.floor(month(time) / 12)],
];

function model(backups: readonly Prunable[], rules: KeepRules): Map<Prunable, Fate> {
  const fates = new Map<Prunable, Fate>();
  const newest = (list: readonly Prunable[]) => list.reduce((a, b) => (b.time > a.time ? b : a));
  const open = () => backups.filter((backup) => !fates.has(backup));
  const unprotected = () => open().filter((backup) => !backup.protected);
  const someRule = periods.some(([name]) => rules[name] !== undefined);

  for (const backup of backups.filter((one) => one.finished === false)) {
    if (backup === newest(backups)) fates.set(backup, "keep-partial");
    else if (someRule) fates.set(backup, "remove");
  }
  for (const [name, period] of periods) {
    const before = [...fates].filter(([, fate]) => fate === "keep").map(([backup]) => period(backup.time));
    for (let left = rules[name] ?? 0; left > 0; left--) {
      const candidates = unprotected().filter((backup) => !before.includes(period(backup.time)));
      if (candidates.length === 0) break;
      const chosen = newest(candidates);
      fates.set(chosen, "keep");
      for (const other of unprotected()) {
        if (period(other.time) === period(chosen.time)) fates.set(other, "remove");
      }
    }
  }
  for (const backup of open()) fates.set(backup, someRule ? "remove" : "keep");
  for (const backup of backups.filter((one) => one.protected)) fates.set(backup, "protected");
  return fates;
}

const start = Date.UTC(2023, 10, 1) / 1000;
// Some lie close together, some far apart, some across the ends of years.
const time = fc.oneof(
  fc.integer({ min: start, max: start + 86_400 * 3 }),
  fc.integer({ min: start, max: start + 86_400 * 800 }),
  fc.integer({ min: 0, max: 400 }).map((hours) => Date.UTC(2024, 11, 26) / 1000 + hours * 3600),
);
const backups = fc
  .uniqueArray(
    fc.record({
      time,
      protected: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      finished: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    }),
    { maxLength: 40, selector: (backup) => backup.time },
  )
  .map((list): readonly Prunable[] => list);
const count = fc.integer({ min: 1, max: 6 });
const rules: fc.Arbitrary<KeepRules> = fc.record(
  Object.fromEntries(periods.map(([name]) => [name, count])) as Record<keyof KeepRules, typeof count>,
  { requiredKeys: [] },
);

it("agrees with a slow model of the documented rules", () => {
  fc.assert(
    fc.property(backups, rules, (given, rule) => {
      const [fast, slow] = [markBackups(given, rule), model(given, rule)];
      expect(given.map((backup) => fast.get(backup))).toEqual(given.map((backup) => slow.get(backup)));
    }),
    { numRuns: 1000 },
  );
});
