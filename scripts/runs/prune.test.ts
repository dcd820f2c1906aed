import fc from "fast-check";
import { expect, test } from "vitest";
import { choosePrune, type PruneCandidate } from "./prune.ts";

const now = new Date("2026-06-01T00:00:00Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
const policy = { keepDays: 30, keepValidated: 3 };

const candidates = fc
  .array(fc.record({ age: fc.integer({ min: -5, max: 100 }), validated: fc.boolean() }), { maxLength: 30 })
  .map((runs): PruneCandidate[] =>
    runs.map(({ age, validated }, index) => ({ id: `run-${index}`, finishedAt: daysAgo(age), validated })),
  );
const policies = fc.record({
  keepDays: fc.integer({ min: 1, max: 60 }),
  keepValidated: fc.integer({ min: 3, max: 6 }),
});

test("only what is too old goes, and never so much that too few validated runs stay", () => {
  fc.assert(
    fc.property(candidates, policies, (runs, kept) => {
      const doomed = new Set(choosePrune(runs, kept, now));
      const stay = runs.filter(({ id }) => !doomed.has(id));
      const validated = runs.filter((run) => run.validated).length;
      expect(stay.filter((run) => run.validated).length).toBeGreaterThanOrEqual(
        Math.min(validated, kept.keepValidated),
      );
      for (const run of runs) {
        if (doomed.has(run.id))
          expect(run.finishedAt.getTime()).toBeLessThan(daysAgo(kept.keepDays).getTime());
      }
      if (validated < kept.keepValidated) expect(doomed.size).toBe(0);
    }),
  );
});

test("the newest validated runs are the ones that stay", () => {
  fc.assert(
    fc.property(candidates, policies, (runs, kept) => {
      const doomed = new Set(choosePrune(runs, kept, now));
      const gone = runs.filter((run) => run.validated && doomed.has(run.id));
      const stay = runs.filter((run) => run.validated && !doomed.has(run.id));
      for (const old of gone) {
        for (const run of stay)
          expect(run.finishedAt.getTime()).toBeGreaterThanOrEqual(old.finishedAt.getTime());
      }
    }),
  );
});

test("pruning what is left removes nothing more", () => {
  fc.assert(
    fc.property(candidates, policies, (runs, kept) => {
      const doomed = new Set(choosePrune(runs, kept, now));
      const stay = runs.filter(({ id }) => !doomed.has(id));
      expect(choosePrune(stay, kept, now)).toEqual([]);
    }),
  );
});

test("runs that were never proven go with age once enough proven ones are there", () => {
  const runs = [
    ...[1, 2, 3].map((age) => ({ id: `good-${age}`, finishedAt: daysAgo(age), validated: true })),
    { id: "unproven", finishedAt: daysAgo(31), validated: false },
    { id: "young", finishedAt: daysAgo(29), validated: false },
  ];
  expect(choosePrune(runs, policy, now)).toEqual(["unproven"]);
});
