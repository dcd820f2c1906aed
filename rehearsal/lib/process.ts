import { spawn } from "node:child_process";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { isMissing, readJson, writeJson } from "./files.ts";
import { waitFor } from "./wait.ts";

/** A process that outlives the program that started it; enough to find it again and to know it is the same. */
export const processRecordSchema = z.object({
  name: z.string(),
  pid: z.number().int().positive(),
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat): tells a re-used pid apart. */
  startTimeTicks: z.number().int().nonnegative(),
  argv: z.array(z.string()),
  /** Path of the file with its standard output and error. */
  log: z.string(),
  /** Of the code that it runs, where whoever started it keeps count. */
  codeVersion: z.string().optional(),
});

/** See {@link processRecordSchema}. */
export type ProcessRecord = z.infer<typeof processRecordSchema>;

/** What to start, see {@link startDetached}. */
export interface StartOptions {
  name: string;
  /** Program and arguments. Never secrets: every user of the machine can read them. */
  argv: readonly [string, ...string[]];
  /** File that receives standard output and error (appended). */
  log: string;
  /** Where the record is written; default nowhere. */
  recordPath?: string;
  cwd?: string;
  /** Remembered in the record. */
  codeVersion?: string;
  /** Complete environment; default the caller's. */
  env?: NodeJS.ProcessEnv;
}

/**
 * Starts a program in its own session, detached from this one, with its output in a file, and records it.
 * Fails where the program cannot be started; a program that ends right away is found by {@link isAlive}.
 */
export async function startDetached(options: StartOptions): Promise<ProcessRecord> {
  await mkdir(dirname(options.log), { recursive: true });
  const log = await open(options.log, "a", 0o600);
  try {
    const [command, ...args] = options.argv;
    const child = spawn(command, args, {
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", (error) =>
        reject(new Error(`cannot start ${options.name} (${command}): ${error.message}`)),
      );
      child.once("spawn", () => resolve(child.pid ?? 0));
    });
    const startTimeTicks = await startTimeOf(pid);
    child.unref();
    if (startTimeTicks === undefined) {
      throw new Error(`${options.name} ended as soon as it was started; see ${options.log}`);
    }
    const record: ProcessRecord = {
      name: options.name,
      pid,
      startTimeTicks,
      argv: [...options.argv],
      log: options.log,
      ...(options.codeVersion === undefined ? {} : { codeVersion: options.codeVersion }),
    };
    if (options.recordPath !== undefined) await writeJson(options.recordPath, record, { mode: 0o600 });
    return record;
  } finally {
    await log.close();
  }
}

/** Reads a record that {@link startDetached} wrote; `undefined` where there is none. */
export async function readProcessRecord(path: string): Promise<ProcessRecord | undefined> {
  const value = await readJson(path);
  return value === undefined ? undefined : processRecordSchema.parse(value);
}

/** Whether the recorded process itself still runs: same pid, same start time, not a zombie. */
export async function isAlive(record: Pick<ProcessRecord, "pid" | "startTimeTicks">): Promise<boolean> {
  const stat = await readStat(record.pid);
  return stat !== undefined && stat.startTimeTicks === record.startTimeTicks && stat.state !== "Z";
}

/** Start time of a running process in clock ticks since boot; `undefined` where there is no such process. */
export async function startTimeOf(pid: number): Promise<number | undefined> {
  return (await readStat(pid))?.startTimeTicks;
}

/**
 * Ends the recorded process: SIGTERM, then SIGKILL after the grace. Where it leads a process group the whole
 * group gets the signal. A process that has ended, or whose pid belongs to another one now, is left alone.
 */
export async function stopProcess(record: ProcessRecord, graceSeconds: number): Promise<void> {
  if (!(await isAlive(record))) return;
  await signalProcess(record, "SIGTERM");
  const gone = async () => !(await isAlive(record));
  try {
    await waitFor(gone, { what: `${record.name} to end`, timeoutSeconds: graceSeconds, intervalMs: 50 });
  } catch {
    await signalProcess(record, "SIGKILL");
    await waitFor(gone, {
      what: `${record.name} (pid ${record.pid}) to end after SIGKILL`,
      timeoutSeconds: 10,
    });
  }
}

/** Sends a signal to the recorded process, or to its group where it leads one; does nothing where it is gone. */
export async function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): Promise<void> {
  const stat = await readStat(record.pid);
  if (stat === undefined || stat.startTimeTicks !== record.startTimeTicks) return;
  try {
    process.kill(stat.processGroup === record.pid ? -record.pid : record.pid, signal);
  } catch (error) {
    const ended = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (!ended) throw error;
  }
}

interface ProcessStat {
  state: string;
  processGroup: number;
  startTimeTicks: number;
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    const ended = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (ended || isMissing(error)) return undefined;
    throw error;
  }
  return parseStat(text);
}

/** Parses /proc/PID/stat. The second field may contain spaces and brackets, so the last bracket ends it. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "",
    processGroup: Number(fields[2]),
    startTimeTicks: Number(fields[19]),
  };
}
