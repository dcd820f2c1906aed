import fc from "fast-check";
import { expect, test } from "vitest";
import { type PruneCandidate, planPrune } from "./prune.ts";
import { type Retention, retentionSchema } from "./prune-config.ts";

const now = new Date("2026-06-01T00:00:00Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
const candidate = (id: string, age: number, more: Partial<PruneCandidate> = {}): PruneCandidate => {
  return { id, finishedAt: daysAgo(age), validated: true, offsite: false, retrievedAt: null, ...more };
};

/** The newest is proven, as `prune` demands. */
const candidates = fc
  .array(
    fc.record({ age: fc.integer({ min: 0, max: 900 }), validated: fc.boolean(), offsite: fc.boolean() }),
    {
      maxLength: 30,
    },
  )
  .map((runs) => [
    candidate("newest", -1),
    ...runs.map(({ age, ...more }, index) => candidate(`run-${index}`, age, more)),
  ]);
const count = fc.integer({ min: 1, max: 6 });
const policies: fc.Arbitrary<Retention> = fc
  .record(
    {
      keepDays: fc.integer({ min: 1, max: 60 }),
      keepLast: count,
      keepDaily: count,
      keepWeekly: count,
      keepMonthly: count,
      keepValidated: fc.integer({ min: 3, max: 6 }),
      requireOffsite: fc.boolean(),
    },
    { requiredKeys: ["keepDays"] },
  )
  .map((policy) => retentionSchema.parse(policy));

test("what goes is too old, off-site where it must be, and never so much that too few proven runs stay", () => {
  fc.assert(
    fc.property(candidates, policies, (runs, policy) => {
      const doomed = doomedOf(runs, policy);
      const validated = runs.filter((run) => run.validated);
      expect(validated.filter(({ id }) => !doomed.has(id)).length).toBeGreaterThanOrEqual(
        Math.min(validated.length, policy.keepValidated),
      );
      if (validated.length < policy.keepValidated) expect(doomed.size).toBe(0);
      for (const run of runs.filter(({ id }) => doomed.has(id))) {
        expect(run.finishedAt.getTime()).toBeLessThan(daysAgo(policy.keepDays ?? 0).getTime());
        expect(run.offsite || !run.validated || !policy.requireOffsite).toBe(true);
      }
      const left = runs.filter(({ id }) => !doomed.has(id));
      expect([...doomedOf(left, policy)]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("each run is told the rule that decides", () => {
  const runs = [
    candidate("a", 0),
    candidate("b", 1),
    candidate("c", 2, { validated: false }),
    candidate("d", 20),
    candidate("e", 40),
    candidate("f", 41, { retrievedAt: daysAgo(6) }),
    candidate("g", 42, { offsite: true }),
    candidate("h", 43),
  ];
  const policy = { keepLast: 1, keepDays: 1, keepMonthly: 1, requireOffsite: true };
  expect(rulesOf(runs, policy)).toEqual({
    a: "keepLast",
    b: "keepMonthly",
    c: "none",
    d: "keepValidated",
    e: "requireOffsite",
    f: "requireOffsite",
    g: "none",
    h: "requireOffsite",
  });
  expect(rulesOf(runs, { keepLast: 1 })).toMatchObject({ c: "none", f: "keepDays", h: "none" });
  expect(rulesOf(runs.slice(0, 3), policy)).toMatchObject({ a: "tooFewValidated", c: "tooFewValidated" });
  expect(rulesOf([candidate("z", -1, { validated: false }), ...runs], policy)).toMatchObject({
    h: "newestUnproven",
  });
});

function rulesOf(runs: readonly PruneCandidate[], policy: Parameters<typeof retentionSchema.parse>[0]) {
  const verdicts = planPrune(runs, retentionSchema.parse(policy), now);
  return Object.fromEntries(verdicts.map(({ id, rule }) => [id, rule]));
}

function doomedOf(runs: readonly PruneCandidate[], policy: Retention): Set<string> {
  const verdicts = planPrune(runs, policy, now);
  return new Set(verdicts.filter(({ mark }) => mark === "remove").map(({ id }) => id));
}
