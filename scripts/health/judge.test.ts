import fc from "fast-check";
import { expect, test } from "vitest";
import {
  judgeBuffers,
  judgeConnections,
  judgeDumps,
  judgeReplication,
  stateOf,
  states,
  worst,
} from "./judge.ts";

const limit = { warning: 10, failing: 30 };

test("a higher value is never a better state", () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100), (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      expect(states.indexOf(stateOf(low, limit))).toBeLessThanOrEqual(states.indexOf(stateOf(high, limit)));
    }),
  );
  expect([9.9, 10, 30].map((value) => stateOf(value, limit))).toEqual(["ok", "warning", "failing"]);
});

test("the worst verdict decides, and all that are as bad are told", () => {
  const verdicts = [
    { state: "ok", detail: "a" },
    { state: "failing", detail: "b" },
    { state: "warning", detail: "c" },
    { state: "failing", detail: "d" },
  ] as const;
  expect(worst(verdicts, "")).toEqual({ state: "failing", detail: "b; d" });
  expect(worst([], "nothing")).toEqual({ state: "ok", detail: "nothing" });
});

test("connections count against what ordinary roles may have", () => {
  const percent = { warning: 80, failing: 95 };
  expect(judgeConnections({ used: 92, maximum: 97 }, percent)).toMatchObject({ state: "warning" });
  expect(judgeConnections({ used: 97, maximum: 97 }, percent)).toMatchObject({ state: "failing" });
});

test("a standby that lags or hears nothing is failing, its primary only warns", () => {
  const follower = { name: "pg02", state: "streaming", lagSeconds: 60 };
  const primary = { standby: null, followers: [follower], idleSlots: [] };
  expect(judgeReplication(primary, limit).state).toBe("warning");
  const lagging = { standby: { receiving: true, lagSeconds: 60 }, followers: [], idleSlots: [] };
  expect(judgeReplication(lagging, limit).state).toBe("failing");
  const deaf = { standby: { receiving: false, lagSeconds: 0 }, followers: [], idleSlots: [] };
  expect(judgeReplication(deaf, limit).state).toBe("failing");
  expect(judgeReplication({ standby: null, followers: [], idleSlots: ["pg02"] }, limit)).toEqual({
    state: "warning",
    detail: "nobody uses slot pg02",
  });
  expect(judgeReplication({ standby: null, followers: [], idleSlots: [] }, limit).state).toBe("ok");
});

test("a server that has read little says nothing about its memory yet", () => {
  expect(judgeBuffers({ hits: 10, reads: 500 }, { warning: 10, failing: 20 }).state).toBe("ok");
  expect(judgeBuffers({ hits: 700_000, reads: 300_000 }, { warning: 10, failing: 20 }).state).toBe("failing");
});

test("no dump, none that is proven, and one that is too old are failing", () => {
  expect(judgeDumps([], 26).state).toBe("failing");
  expect(judgeDumps([{ database: "a", ageSeconds: null }], 26).state).toBe("failing");
  expect(judgeDumps([{ database: "a", ageSeconds: 26 * 3600 + 1 }], 26).state).toBe("failing");
  expect(judgeDumps([{ database: "a", ageSeconds: 3600 }], 26).state).toBe("ok");
});
