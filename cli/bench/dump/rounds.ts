import { execa } from "execa";
import { medianOf } from "../median.ts";
import { watchMemory } from "../memory.ts";
import { processorSecondsOfChildren } from "../processor.ts";
import type { DumpFigures } from "./bounds.ts";
import { bytesIn, type Contender, emptied, type Task } from "./contenders.ts";

/**
 * Who is measured in each round. Each begins one further on, so that none always finds what the same one left in caches
 * and queues.
 */
export function roundsOf<T extends { readonly rounds: number }>(contenders: readonly T[]): T[][] {
  const most = Math.max(0, ...contenders.map(({ rounds }) => rounds));
  return Array.from({ length: most }, (_, round) => {
    const taking = contenders.filter(({ rounds }) => round < rounds);
    const first = round % taking.length;
    return [...taking.slice(first), ...taking.slice(0, first)];
  });
}

/** Measures all ways in turns, so that a machine that is busy for a while spoils none alone. */
export async function measureInTurns(
  contenders: readonly Contender[],
  task: Task,
  say: (text: string) => void,
): Promise<readonly DumpFigures[]> {
  const measured = new Map(contenders.map(({ way }) => [way, [] as DumpFigures[]]));
  const rounds = roundsOf(contenders);
  for (const [index, round] of rounds.entries()) {
    for (const contender of round) {
      say(`  round ${index + 1} of ${rounds.length}, ${contender.way}: `);
      const figures = await measureOnce(contender, task);
      say(`${figures.seconds.toFixed(2)} s\n`);
      measured.get(contender.way)?.push(figures);
    }
  }
  return [...measured].map(([way, runs]) => ({
    way,
    seconds: medianOf(runs.map(({ seconds }) => seconds)),
    bytes: medianOf(runs.map(({ bytes }) => bytes)),
    processorSeconds: medianOf(runs.map(({ processorSeconds }) => processorSeconds)),
    peakMib: Math.max(...runs.map(({ peakMib }) => peakMib)),
  }));
}

async function measureOnce(contender: Contender, task: Task): Promise<DumpFigures> {
  await emptied(task.folder);
  await contender.prepare?.(task);
  try {
    // What others wrote must not go to the disk in this one's time.
    await task.cluster.sql("checkpoint");
    await execa("sync", ["--file-system", task.folder], { cancelSignal: task.signal });
    const memory = await watchMemory({ onlyNew: true });
    const processorBefore = await processorSecondsOfChildren();
    const startedAt = performance.now();
    try {
      await contender.run(task);
    } finally {
      memory.stop();
    }
    return {
      way: contender.way,
      seconds: (performance.now() - startedAt) / 1000,
      bytes: await bytesIn(task.folder),
      processorSeconds: (await processorSecondsOfChildren()) - processorBefore,
      peakMib: memory.stop(),
    };
  } finally {
    await contender.finish?.(task);
  }
}
