import { expect, it } from "vitest";
import { boundsOf, holds } from "./bounds.ts";
import type { Measurement } from "./measure.ts";

const measured = (program: string, seconds: number, resources: number, guests?: number): Measurement => ({
  program,
  seconds,
  resources,
  peakMib: 1,
  ...(guests === undefined ? {} : { guests }),
});

const empty = measured("empty program", 2, 0);
const small = measured("stack lab", 5, 80);
const site = (guests: number, seconds: number, resources: number) =>
  measured(`${guests} guests`, seconds, resources, guests);

const failing = (sites: readonly Measurement[], lab = small) =>
  boundsOf({ empty, small: lab, sites })
    .filter((bound) => !holds(bound))
    .map(({ name, value }) => [name, value]);

it("holds for four resources a guest and time in proportion", () => {
  expect(failing([site(10, 4, 100), site(100, 7.6, 460), site(1000, 43.6, 4060)])).toEqual([]);
});

it("fails where a small lab takes longer than two and a half empty programs", () => {
  expect(failing([], measured("stack lab", 5.2, 80))).toEqual([
    ["time of the stack lab beside an empty program", 2.6],
  ]);
});

it("fails where a guest has more than five resources", () => {
  expect(failing([site(10, 4, 100), site(100, 7.6, 640)])).toEqual([
    ["resources for each guest more, 10 to 100 guests", 6],
  ]);
});

it("fails where time grows faster than the guests", () => {
  expect(failing([site(10, 4, 100), site(100, 13, 460), site(1000, 193, 4060)])).toEqual([
    ["time for each guest more, 100 to 1000 guests beside the step before", 2],
  ]);
});
