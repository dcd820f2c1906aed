import { availableParallelism, tmpdir } from "node:os";
import type { Bound } from "../bounds.ts";
import { boundsOfDumps, type DumpFigures, memoryBound, ways } from "./bounds.ts";
import { contenders, measureDumps } from "./measure.ts";
import { pgBackRestVersion } from "./physical.ts";
import { requireRoom } from "./room.ts";
import { labScenario, manyScenario, oneTableScenario } from "./scenario.ts";

/** What was measured of one scenario. */
export interface Measured {
  readonly name: string;
  readonly figures: readonly DumpFigures[];
}

/** How much is measured. */
export interface Sizes {
  /** Of the data sets of a few databases; another one has four times as much. */
  readonly mib: number;
  /** How many small databases. */
  readonly databases: number;
}

export const wholeSizes: Sizes = { mib: 1024, databases: 200 };
export const quickSizes: Sizes = { mib: 200, databases: 20 };

/** The ways that are held against each other at four times the size. */
const larger: readonly string[] = [ways.pipeline, ways.dump, ways.decoded, ways.proven];

/** Every scenario, and the bounds over them. Fails before anything is made where the disk has no room. */
export async function measureAllDumps(
  { mib, databases }: Sizes,
  { say, signal }: { readonly say: (text: string) => void; readonly signal: AbortSignal },
): Promise<{ readonly scenarios: readonly Measured[]; readonly bounds: readonly Bound[] }> {
  const jobs = Math.max(2, availableParallelism());
  const [lab, table, many] = [labScenario(mib), oneTableScenario(mib), manyScenario(databases)];
  const large = labScenario(4 * mib);
  await requireRoom(tmpdir(), [lab, table, many, large]);
  const pgBackRest = await pgBackRestVersion();
  if (pgBackRest === undefined)
    say("without pgBackRest, which is not installed: install the package pgbackrest\n");
  const all = contenders(pgBackRest);
  const some = all
    .filter(({ way }) => larger.includes(way))
    .map((contender) => ({ ...contender, rounds: Math.min(3, contender.rounds) }));
  const scenarios: Measured[] = [];
  for (const [scenario, chosen] of [
    [lab, all],
    [table, all],
    [many, all],
    [large, some],
  ] as const) {
    const figures = await measureDumps(scenario, { contenders: chosen, jobs, say, signal });
    scenarios.push({ name: scenario.name, figures });
  }
  const figuresOf = ({ name }: { name: string }) =>
    scenarios.find((measured) => measured.name === name)?.figures ?? [];
  const memory = [ways.dump, ways.decoded, ways.proven].flatMap((way) => {
    const [small, big] = [lab, large].map((scenario) => figuresOf(scenario).find((each) => each.way === way));
    return small && big ? [memoryBound(small, big)] : [];
  });
  return {
    scenarios,
    bounds: [...scenarios.flatMap(({ name, figures }) => boundsOfDumps(name, figures)), ...memory],
  };
}
