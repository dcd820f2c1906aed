import { fileURLToPath } from "node:url";
import { type ThrowawayOptions, withThrowawayStack } from "../../rehearsal/lab/preview.ts";
import { medianOf } from "./median.ts";
import { watchMemory } from "./memory.ts";

/** What previews of one program cost. */
export interface Measurement {
  readonly program: string;
  /** Of a site of that many guests; undefined for other programs. */
  readonly guests?: number;
  /** The median of all runs. */
  readonly seconds: number;
  /** The most that the engine and all that it starts held at once, in one more run. */
  readonly peakMib: number;
  /** Without the stack itself and its providers. */
  readonly resources: number;
}

interface Preview {
  readonly steps: readonly { readonly newState?: { readonly type: string; readonly custom?: boolean } }[];
}

const preview = ["preview", "--json"];

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** A program that does nothing, in the same project. */
export function measureEmpty(runs: number): Promise<Measurement> {
  return measure("empty program", "lab", runs, { main: beside("empty.ts"), standIns: false });
}

/** A stack of the repository. */
export function measureStack(stack: string, runs: number): Promise<Measurement> {
  return measure(`stack ${stack}`, stack, runs, {});
}

/** The lab's program for a synthetic site. */
export async function measureSite(guests: number, runs: number): Promise<Measurement> {
  const options = { main: beside("program.ts"), settings: { guests } };
  return { ...(await measure(`${guests} guests`, "lab", runs, options)), guests };
}

async function measure(
  program: string,
  stack: string,
  runs: number,
  options: ThrowawayOptions,
): Promise<Measurement> {
  const seconds: number[] = [];
  let peakMib = 0;
  let resources = 0;
  await withThrowawayStack(
    stack,
    async (engine) => {
      for (let run = 0; run < runs; run++) {
        const startedAt = performance.now();
        await engine.run(preview);
        seconds.push((performance.now() - startedAt) / 1000);
      }
      // In a run of its own: adding up the pages of all processes holds them up, and more the more they have.
      const memory = await watchMemory();
      const output = await engine.run(preview);
      peakMib = memory.stop();
      resources = countResources(JSON.parse(output));
    },
    options,
  );
  return { program, seconds: medianOf(seconds), peakMib, resources };
}

function countResources({ steps }: Preview): number {
  return steps.filter(({ newState }) => newState?.custom && !newState.type.startsWith("pulumi:")).length;
}
