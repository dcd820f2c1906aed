import { availableParallelism } from "node:os";
import type { Bound } from "../bounds.ts";
import { boundsOfDumps, type DumpFigures, memoryBound, ways } from "./bounds.ts";
import { type DumpOptions, measureDumps } from "./measure.ts";
import { labScenario, manyScenario, oneTableScenario } from "./scenario.ts";

interface Measured {
  readonly name: string;
  readonly figures: readonly DumpFigures[];
}

/** Every scenario, and the bounds over them. */
export async function measureAllDumps(
  quick: boolean,
  say: (what: string) => void,
): Promise<{ readonly scenarios: readonly Measured[]; readonly bounds: readonly Bound[] }> {
  const jobs = Math.max(2, availableParallelism());
  const mib = quick ? 200 : 1024;
  const measure = async (
    scenario: Parameters<typeof measureDumps>[0],
    more: Partial<DumpOptions> = {},
  ): Promise<Measured> => ({
    name: scenario.name,
    figures: await measureDumps(scenario, { jobs, say, ...more }),
  });
  const lab = await measure(labScenario(mib));
  const table = await measure(oneTableScenario(mib));
  const many = await measure(manyScenario(quick ? 20 : 200));
  const larger = await measure(labScenario(4 * mib), { only: [ways.pipeline, ways.dump, ways.decoded] });
  const bounds = [lab, table, many].flatMap(({ name, figures }) => boundsOfDumps(name, figures));
  const memory = [ways.dump, ways.decoded].flatMap((way) => {
    const [small, large] = [lab, larger].map(({ figures }) => figures.find((each) => each.way === way));
    return small && large ? [memoryBound(small, large)] : [];
  });
  return { scenarios: [lab, table, many, larger], bounds: [...bounds, ...memory] };
}
