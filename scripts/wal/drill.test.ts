import fc from "fast-check";
import { expect, test } from "vitest";
import { inTurn, parseTarget, planDrill, type TargetChoice } from "./drill-plan.ts";
import { judgeDrill } from "./drill-result.ts";
import type { Backup } from "./info.ts";
import { formatMicros, judgeRecovery, type Sentinel } from "./sentinel.ts";

const backup = (stoppedAt: number): Backup => ({
  label: `b${stoppedAt}`,
  type: "full",
  startedAt: stoppedAt - 5,
  stoppedAt,
  clusterBytes: 1,
  repositoryBytes: 1,
  walStart: "",
  walStop: "",
  pageErrors: false,
  repository: 1,
});
const now = 1000 * 1_000_000;
const at = (micros: number) => ({ kind: "time", micros }) as const;

test("the newest backup that ended before the target is taken, whatever its fraction of a second", () => {
  fc.assert(
    fc.property(fc.integer({ min: 11_000_000, max: now }), (target) => {
      const chosen = planDrill(at(target), [10, 300, 301, 900].map(backup), now)[0]?.backup;
      expect((chosen?.stoppedAt ?? now) + 1).toBeLessThanOrEqual(target / 1_000_000);
      const newer = [10, 300, 301, 900].filter((stop) => stop > (chosen?.stoppedAt ?? 0));
      for (const stop of newer) expect((stop + 1) * 1_000_000).toBeGreaterThan(target);
    }),
  );
});

test("a time that cannot be reached is refused with the one that can", () => {
  expect(() => planDrill(at(now + 1), [backup(10)], now)).toThrow(/later than the last commit/);
  expect(() => planDrill(at(10_999_999), [backup(10)], now)).toThrow(/earliest .* is 1970-01-01 00:00:11/);
  expect(() => planDrill({ kind: "now" }, [], now)).toThrow(/no physical backup/);
});

test("each repository is proven in its turn, and a time from whichever reaches it", () => {
  const backups = [1, 2, 1, 2].map((repository, index) => ({ ...backup(index), repository }));
  const chosen = (choice: TargetChoice, passed: Record<number, number>) => [
    ...new Set(inTurn(choice, backups, (repository) => passed[repository]).map((one) => one.repository)),
  ];
  expect(chosen({ kind: "now" }, {})).toEqual([1]);
  expect(chosen({ kind: "random", count: 1 }, { 1: 5 })).toEqual([2]);
  expect(chosen({ kind: "now" }, { 1: 5, 2: 9 })).toEqual([1]);
  expect(chosen(at(1), { 1: 5 })).toEqual([1, 2]);
  expect(chosen({ kind: "now", repository: 2 }, { 2: 9 })).toEqual([2]);
});

test("random targets lie between the oldest backup and now", () => {
  const plans = planDrill({ kind: "random", count: 200 }, [backup(990), backup(995)], now);
  expect(new Set(plans.map(({ target }) => target)).size).toBeGreaterThan(100);
  for (const { target } of plans) {
    expect(target).toBeGreaterThanOrEqual(991_000_000);
    expect(target).toBeLessThanOrEqual(now);
  }
});

test("a target is read to the microsecond, and never without its zone", () => {
  const micros = parseTarget("2026-06-01T02:00:00.000007+02:00");
  expect(formatMicros(micros)).toBe("2026-06-01 00:00:00.000007+00");
  expect(parseTarget(formatMicros(micros))).toBe(micros);
  for (const text of ["2026-06-01T02:00:00", "yesterday", "2026-13-01T02:00:00Z"]) {
    expect(() => parseTarget(text)).toThrow(/is no time with its zone/);
  }
});

test("rows of a recovery: each loss, addition and alteration is found, an exact one is clean", () => {
  const history = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 3, maxLength: 30 });
  fc.assert(
    fc.property(history, fc.nat(), fc.nat(), (steps, targetSeed, victim) => {
      let clock = 0;
      const rows: Sentinel[] = steps.map((step, index) => {
        clock += step;
        return { id: index + 1, writtenAt: clock, lsn: `0/${index}` };
      });
      const target = targetSeed % (clock + 10);
      // A row's commit lies after its writing, and before the next one's.
      const recovered = rows.filter(({ writtenAt }) => writtenAt < target);
      const exact = judgeRecovery(rows, recovered, target);
      expect([exact.missing, exact.altered, exact.early]).toEqual([[], [], []]);
      const lost = rows[victim % Math.max(1, exact.due)];
      if (exact.due > 0 && lost !== undefined) {
        const without = recovered.filter(({ id }) => id !== lost.id);
        expect(judgeRecovery(rows, without, target).missing).toEqual([lost.id]);
        const altered = recovered.map((row) => (row.id === lost.id ? { ...row, lsn: "1/0" } : row));
        expect(judgeRecovery(rows, altered, target).altered).toEqual([lost.id]);
      }
      const later = rows.filter(({ writtenAt }) => writtenAt > target);
      expect(judgeRecovery(rows, rows, target).early).toEqual(later.map(({ id }) => id));
    }),
  );
});

test("a check that was skipped is never a pass, one that failed never less than a failure", () => {
  const proof = { due: 2, missing: [], altered: [], early: [], newestAt: 1 };
  const rto = { rtoSeconds: 1, rtoObjectiveSeconds: 60 };
  const found = { proof, amcheck: null, ...rto, rpoSeconds: 1, rpoObjectiveSeconds: 60 };
  const skipped = { kind: "skipped", reason: "no pg_amcheck" } as const;
  expect(judgeDrill(found)).toEqual({ verdict: "pass", reasons: [] });
  expect(judgeDrill({ ...found, amcheck: skipped }).verdict).toBe("partial");
  expect(judgeDrill({ ...found, proof: { ...proof, due: 0 } }).verdict).toBe("partial");
  expect(judgeDrill({ ...found, amcheck: skipped, proof: { ...proof, missing: [1] } }).verdict).toBe("fail");
  expect(judgeDrill({ ...found, amcheck: { kind: "failed", reason: "index" } }).verdict).toBe("fail");
  expect(judgeDrill({ ...found, rtoSeconds: 61 }).verdict).toBe("fail");
  expect(judgeDrill({ ...found, rpoSeconds: 61 })).toEqual({
    verdict: "partial",
    reasons: [expect.stringMatching(/61 s older than the target, the objective is 60 s/)],
  });
});
