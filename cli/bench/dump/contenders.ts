import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { runPipeline, type Stage } from "../../../scripts/system/child.ts";
import { mapParallel } from "../../../scripts/system/parallel.ts";
import type { TestCluster } from "../../../scripts/testing/cluster.ts";

/** Where and what is dumped. */
export interface Task {
  readonly cluster: TestCluster;
  readonly databases: readonly string[];
  /** Databases at the same time. */
  readonly jobs: number;
  /** An empty folder, new for each measurement. */
  readonly folder: string;
  /** Folder of PostgreSQL's programs. */
  readonly programs: string;
  /** Path of the bundled runtime, and of a configuration whose `directory` is `folder`. */
  readonly runtime: string;
  readonly configFile: string;
}

/** A way to dump the databases. */
export interface Contender {
  readonly name: string;
  run(task: Task): Promise<void>;
}

const never = new AbortController().signal;

/** What is found in most handbooks: everything as SQL, each database once more, and then gzip. */
export const plainScript: Contender = {
  name: "plain script",
  async run(task) {
    const all = join(task.folder, "all.sql");
    await run(task, { file: "pg_dumpall", args: [`--file=${all}`] });
    for (const database of task.databases) {
      await run(task, {
        file: "pg_dump",
        args: ["--format=custom", `--file=${join(task.folder, `${database}.dump`)}`, database],
      });
    }
    for (const name of await readdir(task.folder))
      await run(task, { file: "gzip", args: [join(task.folder, name)] });
  },
};

/** The fastest that PostgreSQL's own programs and zstd do. */
export const fastestPipeline: Contender = {
  name: "pg_dump -Z0 | zstd -1",
  async run(task) {
    await mapParallel(task.databases, task.jobs, (database) =>
      run(
        task,
        { file: "pg_dump", args: ["--format=custom", "--compress=0", database] },
        { file: "zstd", args: ["-q", "-1", "-o", join(task.folder, `${database}.dump.zst`)] },
      ),
    );
  },
};

/** The runtime as it is delivered, with commands of its own in a row. */
export function dbkeeper(name: string, ...commands: readonly (readonly string[])[]): Contender {
  return {
    name,
    async run({ runtime, configFile }) {
      for (const command of commands) {
        await execa(process.execPath, [runtime, ...command, "--config", configFile, "--json"], {
          stdout: "ignore",
        });
      }
    },
  };
}

/** What the runtime writes beside the databases themselves, and the pipeline does not. */
const beside = new Set(["manifest.json", "globals.sql"]);

/** Bytes of all dumps of databases below a folder. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !beside.has(entry.name));
  const sizes = await Promise.all(
    files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

export async function emptied(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

async function run({ cluster, programs }: Task, ...stages: readonly Omit<Stage, "env">[]): Promise<void> {
  const env = {
    PATH: `${programs}:${process.env.PATH ?? ""}`,
    PGHOST: cluster.socketDirectory,
    PGPORT: String(cluster.port),
    PGUSER: "postgres",
  };
  await runPipeline(
    stages.map((stage) => ({ ...stage, env })),
    { signal: never },
  );
}
