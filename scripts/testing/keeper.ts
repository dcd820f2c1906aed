import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCli } from "../cli.ts";
import type { DbkeeperConfig } from "../config.ts";
import { listRuns, type Run } from "../runs/runs.ts";
import { backupRole, type TestCluster, temporaryFolder } from "./cluster.ts";

/** What one command told. */
interface Outcome {
  code: number;
  events: ({ event: string; text: string } & Record<string, unknown>)[];
  output: string;
}

/** dbkeeper with a configuration and a backup folder of its own. */
export interface Keeper {
  folder: string;
  directory: string;
  configFile: string;
  /** The `cluster` part of its configuration. */
  cluster: DbkeeperConfig["cluster"];
  /** Runs a command inside this process. */
  run(...argv: string[]): Promise<Outcome>;
  /** Runs a command that is interrupted when the signal fires. */
  runUntil(signal: AbortSignal, ...argv: string[]): Promise<Outcome>;
  configure(overrides: Partial<DbkeeperConfig>): Promise<void>;
  /** Runs on disk, oldest first. */
  runs(): Promise<Run[]>;
  newest(): Promise<Run>;
  metrics(): Promise<string>;
}

/** Makes a {@link Keeper} for a cluster named `pg01`. */
export async function newKeeper(
  cluster: TestCluster,
  overrides: Partial<DbkeeperConfig> = {},
): Promise<Keeper> {
  const folder = await temporaryFolder();
  const directory = join(folder, "backup");
  const configFile = join(folder, "config.json");
  const metricsFile = join(folder, "dbkeeper.prom");
  const base: DbkeeperConfig = {
    cluster: { name: "pg01", socketDirectory: cluster.socketDirectory, port: cluster.port, role: backupRole },
    directory,
    metricsFile,
    minimumFreeBytes: 0,
    // Long enough for a machine that is busy with something else.
    lockWaitTimeoutSeconds: 60,
  };
  const configure = (more: Partial<DbkeeperConfig>) =>
    writeFile(configFile, JSON.stringify({ ...base, ...more }));
  await configure(overrides);
  const runUntil = async (signal: AbortSignal, ...argv: string[]): Promise<Outcome> => {
    let output = "";
    const sink = {
      write(text: string) {
        output += text;
      },
    };
    const code = await runCli([...argv, "--config", configFile, "--json"], { out: sink, err: sink, signal });
    const events = output
      .split("\n")
      .filter((line) => line.startsWith('{"time"'))
      .map((line) => JSON.parse(line) as Outcome["events"][number]);
    return { code, events, output };
  };
  const runs = async () => (await listRuns(directory, "pg01")).runs;
  return {
    folder,
    directory,
    configFile,
    cluster: base.cluster,
    runUntil,
    run: (...argv) => runUntil(new AbortController().signal, ...argv),
    configure,
    runs,
    async newest() {
      const run = (await runs()).at(-1);
      if (run === undefined) throw new Error("there is no run");
      return run;
    },
    metrics: () => readFile(metricsFile, "utf8"),
  };
}
