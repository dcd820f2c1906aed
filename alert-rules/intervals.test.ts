import { expect, it } from "vitest";
import { uncheckedGroups } from "./groups.ts";
import type { RuleGroup } from "./rule.ts";
import { testInventory } from "./testing/inventory.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const secondsOf = (duration: string) =>
  Number.parseInt(duration, 10) * (unitSeconds[duration.slice(-1)] ?? 0);
const slow = (pace: number) =>
  uncheckedGroups({ ...testInventory, pace }).filter(
    (group): group is RuleGroup & { intervalSeconds: number } => group.intervalSeconds !== undefined,
  );

it.each([1, 10])("every rule looks back at least to the evaluation before, at a pace of %d", (pace) => {
  const blind = slow(pace).flatMap(({ name, intervalSeconds, rules }) =>
    rules
      .flatMap(({ expression }) => [...expression.matchAll(/\[(\d+[smhd])(?::\w*)?\]/g)])
      .filter(([, window = ""]) => secondsOf(window) < intervalSeconds)
      .map(([window]) => `${name}, every ${intervalSeconds} s: ${window}`),
  );
  expect(blind).toEqual([]);
});

it.each([1, 10])("what is recorded is there until it is recorded again, at a pace of %d", (pace) => {
  // Prometheus takes a series without samples for five minutes as gone.
  const gone = slow(pace).filter(
    ({ intervalSeconds, rules }) => intervalSeconds >= 300 && rules.some(({ kind }) => kind === "recording"),
  );
  expect(gone.map(({ name }) => name)).toEqual([]);
});
