import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleRuntime } from "../../../scripts/bundle.ts";
import { backupRole, serverPrograms, skipReason, startCluster } from "../../../scripts/testing/cluster.ts";
import { medianOf } from "../median.ts";
import { watchMemory } from "../memory.ts";
import { type DumpFigures, ways } from "./bounds.ts";
import {
  bytesIn,
  type Contender,
  dbkeeper,
  emptied,
  fastestPipeline,
  plainScript,
  type Task,
} from "./contenders.ts";
import type { Scenario } from "./scenario.ts";

/** Each way that is measured, with how often: the slow ones spread less. */
const contenders: readonly (readonly [Contender, number])[] = [
  [{ ...fastestPipeline, name: ways.pipeline }, 5],
  [dbkeeper(ways.dump, ["dump", "--no-fingerprint"]), 5],
  [dbkeeper(ways.counted, ["dump"]), 3],
  [dbkeeper(ways.decoded, ["dump", "--no-fingerprint"], ["validate", "--level", "decode"]), 3],
  [dbkeeper(ways.proven, ["run"]), 1],
  [{ ...plainScript, name: ways.script }, 1],
];

export interface DumpOptions {
  /** Databases at the same time. */
  readonly jobs: number;
  /** Only these ways; default all. */
  readonly only?: readonly string[];
  readonly say: (what: string) => void;
}

/**
 * Fills a PostgreSQL server of its own with a scenario and dumps it in every way, in turns, so that a machine that is
 * busy for a while spoils none alone.
 */
export async function measureDumps(
  scenario: Scenario,
  options: DumpOptions,
): Promise<readonly DumpFigures[]> {
  if (serverPrograms === undefined) throw new Error(skipReason);
  const folder = await mkdtemp(join(tmpdir(), "lab-bench-dump-"));
  options.say(`filling ${scenario.name}`);
  const cluster = await startCluster();
  try {
    const databases = await scenario.fill(cluster);
    // The server's own work afterwards must not fall to whoever comes first.
    await cluster.sql("vacuum analyze");
    await cluster.sql("checkpoint");
    const task: Task = {
      cluster,
      databases,
      jobs: options.jobs,
      folder: join(folder, "backup"),
      programs: serverPrograms,
      runtime: await bundleRuntime(),
      configFile: join(folder, "config.json"),
    };
    await writeFile(task.configFile, JSON.stringify(configurationOf(task, folder)));
    return await inTurns(task, options);
  } finally {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function inTurns(task: Task, { only, say }: DumpOptions): Promise<readonly DumpFigures[]> {
  const chosen = contenders.filter(([{ name }]) => only?.includes(name) ?? true);
  const runs = new Map(chosen.map(([{ name }]) => [name, [] as DumpFigures[]]));
  for (let turn = 0; turn < Math.max(...chosen.map(([, count]) => count)); turn++) {
    for (const [contender, count] of chosen) {
      if (turn >= count) continue;
      say(contender.name);
      runs.get(contender.name)?.push(await once(contender, task));
    }
  }
  return [...runs].map(([way, each]) => ({
    way,
    seconds: medianOf(each.map(({ seconds }) => seconds)),
    bytes: medianOf(each.map(({ bytes }) => bytes)),
    peakMib: Math.max(...each.map(({ peakMib }) => peakMib)),
  }));
}

async function once(contender: Contender, task: Task): Promise<DumpFigures> {
  await emptied(task.folder);
  const memory = watchMemory({ onlyNew: true });
  const startedAt = performance.now();
  try {
    await contender.run(task);
  } finally {
    memory.stop();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { way: contender.name, seconds, bytes: await bytesIn(task.folder), peakMib: memory.stop() };
}

function configurationOf({ cluster, databases, jobs, folder: directory }: Task, folder: string): object {
  return {
    cluster: {
      name: "bench",
      socketDirectory: cluster.socketDirectory,
      port: cluster.port,
      role: backupRole,
    },
    databases,
    directory,
    jobs,
    compression: { zstdLevel: 1 },
    minimumFreeBytes: 0,
    metricsFile: join(folder, "dbkeeper.prom"),
  };
}
