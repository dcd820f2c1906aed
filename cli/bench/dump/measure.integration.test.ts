import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { serverPrograms } from "../../../scripts/testing/cluster.ts";
import { type DumpFigures, ways } from "./bounds.ts";
import { contenders, measureDumps } from "./measure.ts";
import { pgBackRestVersion } from "./physical.ts";
import { labScenario, manyScenario } from "./scenario.ts";

const version = await pgBackRestVersion();
const all = contenders(version).map((contender) => ({ ...contender, rounds: 1 }));
const say = () => undefined;

const leftovers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("lab-bench-dump-"));

describe.skipIf(serverPrograms === undefined || version === undefined)("benchmark of dumps", () => {
  it("measures every way, and removes what it made", async () => {
    const { signal } = new AbortController();
    const before = await leftovers();
    const figures = await measureDumps(labScenario(32), { contenders: all, jobs: 2, say, signal });
    expect(figures.map(({ way }) => way).toSorted()).toEqual(Object.values(ways).toSorted());
    const of = (way: string) => figures.find((each) => each.way === way) as DumpFigures;
    for (const { way } of all) {
      expect(of(way), way).toMatchObject({ way });
      for (const figure of ["seconds", "bytes", "processorSeconds", "peakMib"] as const)
        expect(of(way)[figure], `${figure} of ${way}`).toBeGreaterThan(0);
    }
    // Both hold the same rows, once; the script keeps them twice, and pgBackRest has the indexes as well.
    expect(of(ways.dump).bytes / of(ways.pipeline).bytes).toBeCloseTo(1, 1);
    expect(of(ways.script).bytes).toBeGreaterThan(1.5 * of(ways.pipeline).bytes);
    expect(of(ways.physical).bytes).toBeGreaterThan(of(ways.pipeline).bytes);
    expect(await leftovers()).toEqual(before);
  }, 180_000);

  it("ends where it is when it is told to, and removes what it made", async () => {
    const controller = new AbortController();
    const before = await leftovers();
    const chosen = all.filter(({ way }) => way === ways.physical || way === ways.script);
    const stopAtFirst = (text: string) => {
      if (text.includes("round 1")) controller.abort(new Error("enough"));
    };
    const { signal } = controller;
    const measuring = measureDumps(manyScenario(2), {
      contenders: chosen,
      jobs: 2,
      say: stopAtFirst,
      signal,
    });
    await expect(measuring).rejects.toThrow("enough");
    expect(await leftovers()).toEqual(before);
  });
});
