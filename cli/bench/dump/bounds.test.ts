import { expect, it } from "vitest";
import { holds } from "../bounds.ts";
import { boundsOfDumps, type DumpFigures, memoryBound, ways } from "./bounds.ts";

const figures = (way: string, seconds: number, bytes = 100, peakMib = 50): DumpFigures => ({
  way,
  seconds,
  bytes,
  processorSeconds: seconds,
  peakMib,
});
const pipeline = figures(ways.pipeline, 10);
const script = figures(ways.script, 100);

const failing = (...measured: readonly DumpFigures[]) =>
  boundsOfDumps("lab", [pipeline, script, ...measured])
    .filter((bound) => !holds(bound))
    .map(({ name }) => name);

it("holds where a dump takes a tenth more than the pipeline and no more bytes", () => {
  const measured = [figures(ways.dump, 11), figures(ways.decoded, 20), figures(ways.proven, 99)];
  expect(failing(...measured)).toEqual([]);
});

it("fails for each figure beyond its bound", () => {
  expect(
    failing(figures(ways.dump, 11.1, 101), figures(ways.decoded, 20.1), figures(ways.proven, 101)),
  ).toEqual([
    "lab: time of a dump beside the fastest pipeline",
    "lab: bytes of a dump beside the fastest pipeline's",
    "lab: time to dump and decode beside the pipeline",
    "lab: time to dump and prove beside the plain script",
  ]);
});

it("says nothing of what was not measured", () => {
  expect(boundsOfDumps("lab", [pipeline, figures(ways.dump, 1)])).toHaveLength(2);
});

it("fails where memory follows the size of the data", () => {
  const [small, large] = [figures(ways.dump, 1, 1, 100), figures(ways.dump, 4, 4, 130)];
  expect(holds(memoryBound(small, small))).toBe(true);
  expect(holds(memoryBound(small, large))).toBe(false);
});
