import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import type { RuleFile } from "../../../infra/monitoring/rule-files.ts";
import { remoteWrite, type WrittenSeries } from "./remote-write.ts";
import { until } from "./until.ts";

/** A Prometheus of its own, in a temporary folder. */
export interface Prometheus {
  /** Where it listens: `127.0.0.1:port`. */
  readonly address: string;
  /** Where its rule files are. */
  readonly rulesFolder: string;
  /** Takes another configuration and other rules. Fails with its own words where it does not like them. */
  configure(configuration: string, rules: readonly RuleFile[]): Promise<void>;
  write(series: Iterable<WrittenSeries>): Promise<void>;
  /** @param at in seconds since the epoch; default now */
  query(
    expression: string,
    at?: number,
  ): Promise<{ readonly metric: Record<string, string>; readonly value: number }[]>;
  /** What it says of itself, line by line. */
  metrics(): Promise<string>;
  /** The `data` of an answer of its API, read by a schema. */
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  stop(): Promise<void>;
}

const vector = z.object({
  result: z.array(
    z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
  ),
});

export async function startPrometheus(program: string, signal: AbortSignal): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), "lab-bench-rules-"));
  const rulesFolder = join(folder, "rules");
  await mkdir(rulesFolder);
  const configurationFile = join(folder, "prometheus.yml");
  await writeFile(configurationFile, "{}\n");
  const running = execa(
    program,
    [
      `--config.file=${configurationFile}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      // A block that is longer than all histories, so that they may be written one series after the other.
      "--storage.tsdb.min-block-duration=90d",
      "--storage.tsdb.max-block-duration=90d",
      "--storage.tsdb.retention.time=90d",
      "--web.listen-address=127.0.0.1:0",
      "--web.enable-lifecycle",
      "--web.enable-remote-write-receiver",
    ],
    { reject: false, all: true, buffer: false },
  );
  let log = "";
  running.all.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  let isOver = false;
  void running.then(() => {
    isOver = true;
  });
  const stop = async () => {
    running.kill("SIGTERM");
    const killer = setTimeout(() => running.kill("SIGKILL"), 20_000);
    await running;
    clearTimeout(killer);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const address = await until(
      () => {
        if (isOver) throw new Error(lastLines(log));
        return /Listening on.*address=(127\.0\.0\.1:\d+)/.exec(log)?.[1];
      },
      { what: "Prometheus to listen", timeoutSeconds: 60, signal },
    );
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`http://${address}${path}`, { ...init, signal });
      const text = await response.text();
      if (!response.ok) throw new Error(`Prometheus answers ${response.status} to ${path}: ${text.trim()}`);
      return text;
    };
    const get = async <T>(path: string, schema: z.ZodType<T>, init?: RequestInit) =>
      z.object({ data: schema }).parse(JSON.parse(await ask(path, init))).data;
    await until(() => ask("/-/ready"), { what: "Prometheus to be ready", timeoutSeconds: 60, signal });
    return {
      address,
      rulesFolder,
      async configure(configuration, rules) {
        for (const { name, content } of rules) await writeFile(join(rulesFolder, `${name}.yml`), content);
        await writeFile(configurationFile, configuration);
        await ask("/-/reload", { method: "POST" });
      },
      write: (series) => remoteWrite(`http://${address}/api/v1/write`, series, signal),
      async query(expression, at) {
        const body = new URLSearchParams({
          query: expression,
          ...(at === undefined ? {} : { time: `${at}` }),
        });
        const { result } = await get("/api/v1/query", vector, { method: "POST", body });
        return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
      },
      metrics: () => ask("/metrics"),
      get,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function lastLines(log: string): string {
  return `Prometheus has ended:\n${log.trim().split("\n").slice(-5).join("\n")}`;
}
