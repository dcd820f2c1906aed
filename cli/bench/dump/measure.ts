import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleRuntime } from "../../../scripts/bundle.ts";
import { backupRole, serverPrograms, skipReason, startCluster } from "../../../scripts/testing/cluster.ts";
import { type DumpFigures, ways } from "./bounds.ts";
import { type Contender, dbkeeper, emptied, fastestPipeline, plainScript, type Task } from "./contenders.ts";
import { archivingSettings, physicalBackups } from "./physical.ts";
import { measureInTurns } from "./rounds.ts";
import type { Scenario } from "./scenario.ts";

/** Every way that is measured. `pgBackRest` is the version of that program; without it there are no physical ones. */
export function contenders(pgBackRest: string | undefined): readonly Contender[] {
  return [
    fastestPipeline,
    dbkeeper(ways.dump, 5, ["dump", "--no-fingerprint"]),
    dbkeeper(ways.counted, 3, ["dump"]),
    dbkeeper(ways.decoded, 3, ["dump", "--no-fingerprint"], ["validate", "--level", "decode"]),
    dbkeeper(ways.proven, 1, ["run"]),
    plainScript,
    ...(pgBackRest === undefined ? [] : physicalBackups(pgBackRest)),
  ];
}

export interface DumpOptions {
  readonly contenders: readonly Contender[];
  /** Databases at the same time. */
  readonly jobs: number;
  /** Gets text as it comes, with its line breaks. */
  readonly say: (text: string) => void;
  /** Ends everything; what was made is removed. */
  readonly signal: AbortSignal;
}

/** Fills a PostgreSQL server of its own with a scenario and dumps it in every way, in turns. */
export async function measureDumps(
  scenario: Scenario,
  options: DumpOptions,
): Promise<readonly DumpFigures[]> {
  if (serverPrograms === undefined) throw new Error(skipReason);
  const { jobs, say, signal } = options;
  signal.throwIfAborted();
  say(`${scenario.name}: filling a server\n`);
  const cluster = await startCluster(archivingSettings);
  const home = await mkdtemp(join(tmpdir(), "lab-bench-dump-"));
  // A query cannot be called back, but a server can be ended under it.
  const end = () => void cluster.stop();
  signal.addEventListener("abort", end, { once: true });
  try {
    // pgBackRest works as another user below it.
    await chmod(home, 0o711);
    const task: Task = {
      cluster,
      databases: await scenario.fill(cluster),
      jobs,
      folder: join(home, "backup"),
      workFolder: join(home, "work"),
      programs: serverPrograms,
      runtime: await bundleRuntime(),
      configFile: join(home, "config.json"),
      signal,
    };
    await mkdir(task.workFolder);
    await writeFile(task.configFile, JSON.stringify(configurationOf(task)));
    await warm(task);
    return await measureInTurns(options.contenders, task, say);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
    await cluster.stop();
    await rm(home, { recursive: true, force: true });
  }
}

/** The server's own work after being filled, and reading from the disk, must not fall to whoever comes first. */
async function warm(task: Task): Promise<void> {
  await task.cluster.sql("vacuum analyze");
  await emptied(task.folder);
  await fastestPipeline.run(task);
}

function configurationOf({ cluster, databases, jobs, folder, workFolder }: Task): object {
  return {
    cluster: {
      name: "bench",
      socketDirectory: cluster.socketDirectory,
      port: cluster.port,
      role: backupRole,
    },
    databases,
    directory: folder,
    jobs,
    compression: { zstdLevel: 1 },
    minimumFreeBytes: 0,
    metricsFile: join(workFolder, "dbkeeper.prom"),
  };
}
