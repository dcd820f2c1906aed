import { expect, it } from "vitest";
import { holds } from "../bounds.ts";
import { boundsOfRules } from "./bounds.ts";
import type { RuleFigures } from "./measure.ts";

const lab = (instances: number, seconds: number, more: Partial<RuleFigures> = {}): RuleFigures => ({
  instances,
  targets: instances,
  rules: 10,
  buildSeconds: 1,
  historySamples: 1,
  series: 1,
  recordedSeries: 1,
  samplesPerSecond: 1,
  peakMib: 1,
  groups: [
    { group: "hosts", rules: 5, intervalSeconds: 15, medianSeconds: seconds, worstSeconds: 2 * seconds },
    { group: "slo", rules: 5, intervalSeconds: 60, medianSeconds: 4 * seconds, worstSeconds: 4 * seconds },
  ],
  slowestRules: [],
  missed: 0,
  failures: 0,
  firing: [],
  load: 0,
  ...more,
});

const failing = (...labs: readonly RuleFigures[]) =>
  boundsOfRules(labs)
    .filter((bound) => !holds(bound))
    .map(({ name }) => name);

it("holds where all groups together need a tenth of their intervals and grow in proportion", () => {
  expect(failing(lab(100, 0.075), lab(300, 0.225), lab(1000, 0.75))).toEqual([]);
});

it("counts every group by its own interval", () => {
  expect(failing(lab(100, 0.8, { groups: lab(1, 0.8).groups.slice(1) }))).toEqual([]);
  expect(failing(lab(100, 0.8))).toEqual(["100 instances: time of evaluations beside their intervals"]);
});

it("fails for evaluations left out, rules that fail and alerts that should not fire", () => {
  expect(failing(lab(100, 0.01, { missed: 1, failures: 1, firing: ["CpuBusy warning × 3"] }))).toEqual([
    "100 instances: evaluations left out",
    "100 instances: rules that failed",
    "100 instances: alerts of a healthy lab besides the dead man's switch",
  ]);
});

it("fails where time grows faster than the instances", () => {
  expect(failing(lab(100, 0.01), lab(300, 0.03), lab(1000, 0.3))).toEqual([
    "time for each instance more, 300 to 1000 beside the step before",
  ]);
});
