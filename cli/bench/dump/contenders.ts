import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { execa } from "execa";
import { runPipeline, type Stage } from "../../../scripts/system/child.ts";
import { mapParallel } from "../../../scripts/system/parallel.ts";
import type { TestCluster } from "../../../scripts/testing/cluster.ts";
import { ways } from "./bounds.ts";

/** Where and what is dumped. */
export interface Task {
  readonly cluster: TestCluster;
  readonly databases: readonly string[];
  /** Databases at the same time. */
  readonly jobs: number;
  /** An empty folder, new for each measurement: what is in it afterwards is what the way keeps. */
  readonly folder: string;
  /** For what a way needs beside that; stays from one measurement to the next. */
  readonly workFolder: string;
  /** Folder of PostgreSQL's programs. */
  readonly programs: string;
  /** Path of the bundled runtime, and of a configuration whose `directory` is `folder`. */
  readonly runtime: string;
  readonly configFile: string;
  /** Ends whatever runs. */
  readonly signal: AbortSignal;
}

/** A way to dump the databases. */
export interface Contender {
  readonly way: string;
  /** How often it is measured: those that take long spread less. */
  readonly rounds: number;
  /** What comes before and after, and is not measured. */
  prepare?(task: Task): Promise<void>;
  finish?(task: Task): Promise<void>;
  run(task: Task): Promise<void>;
}

/** What is found in most handbooks: everything as SQL, each database once more, and then gzip. */
export const plainScript: Contender = {
  way: ways.script,
  rounds: 1,
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

/** The fastest that PostgreSQL's own programs and zstd do, connected as only a shell does: with real pipes. */
export const fastestPipeline: Contender = {
  way: ways.pipeline,
  rounds: 5,
  async run(task) {
    const script = 'pg_dump --format=custom --compress=0 "$1" | zstd -q -1 -o "$2"';
    await mapParallel(task.databases, task.jobs, (database) => {
      const file = join(task.folder, `${database}.dump.zst`);
      return run(task, { file: "bash", args: ["-o", "pipefail", "-c", script, "bash", database, file] });
    });
  },
};

/** The runtime as it is delivered, with commands of its own in a row. */
export function dbkeeper(
  way: string,
  rounds: number,
  ...commands: readonly (readonly string[])[]
): Contender {
  return {
    way,
    rounds,
    async run({ runtime, configFile, signal }) {
      for (const command of commands) {
        await execa(process.execPath, [runtime, ...command, "--config", configFile, "--json"], {
          stdout: "ignore",
          cancelSignal: signal,
        });
      }
    },
  };
}

/** What the runtime writes beside the databases themselves, and the pipeline does not. */
const beside = /^history\/|(^|\/)(manifest\.json|globals\.sql)$/;

/** Bytes of everything below a folder, but for what the pipeline has nothing to set against. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !beside.test(relative(folder, path)));
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

export async function emptied(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

async function run({ cluster, programs, signal }: Task, program: Omit<Stage, "env">): Promise<void> {
  const env = {
    PATH: `${programs}:${process.env.PATH ?? ""}`,
    PGHOST: cluster.socketDirectory,
    PGPORT: String(cluster.port),
    PGUSER: "postgres",
  };
  await runPipeline([{ ...program, env }], { signal });
}
