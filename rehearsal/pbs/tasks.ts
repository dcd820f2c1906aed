import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isMissing, readJson, writeJson } from "../lib/files.ts";

/** A task as the API shows it. */
export interface TaskRecord {
  readonly upid: string;
  readonly node: string;
  readonly pid: number;
  readonly pstart: number;
  readonly starttime: number;
  readonly worker_type: string;
  readonly worker_id: string;
  readonly user: string;
  endtime?: number;
  /** `OK`, `WARNINGS: n`, an error's text, or `unknown` when the server went away in the middle. */
  status?: string;
}

/** What a running task may use. */
export interface TaskRun {
  readonly upid: string;
  log(text: string): Promise<void>;
  warn(text: string): Promise<void>;
  /** Aborted when somebody stops the task. */
  readonly signal: AbortSignal;
}

/** The server's tasks, each a record and a log in a folder. */
export class Tasks {
  readonly #folder: string;
  readonly #records = new Map<string, TaskRecord>();
  readonly #running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
  readonly #started = Math.floor(Date.now() / 10) % 0xffffffff;
  #next = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Tasks> {
    await mkdir(folder, { recursive: true });
    const tasks = new Tasks(folder);
    for (const file of await readdir(folder)) {
      if (!file.endsWith(".json") || file.startsWith(".")) continue;
      const record = (await readJson(join(folder, file))) as TaskRecord;
      if (record.status === undefined) {
        // It died with the server that ran it.
        record.status = "unknown";
        record.endtime = record.starttime;
        await writeJson(join(folder, file), record);
      }
      tasks.#records.set(record.upid, record);
    }
    return tasks;
  }

  /** Newest first. */
  list(): TaskRecord[] {
    return [...this.#records.values()].sort(
      (a, b) => b.starttime - a.starttime || (a.upid < b.upid ? 1 : -1),
    );
  }

  find(upid: string): TaskRecord | undefined {
    return this.#records.get(upid);
  }

  async logLines(upid: string): Promise<string[]> {
    try {
      return (await readFile(this.#logPath(upid), "utf8")).split("\n").slice(0, -1);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  stop(upid: string): void {
    this.#running.get(upid)?.stop.abort(new Error("abort requested - aborting task"));
  }

  /** Starts work and returns the task's id at once. */
  async start(
    type: string,
    id: string,
    user: string,
    work: (run: TaskRun) => Promise<void>,
  ): Promise<string> {
    const record = this.#newRecord(type, id, user);
    this.#records.set(record.upid, record);
    await this.#save(record);
    const stop = new AbortController();
    const done = this.#run(record, stop.signal, work).finally(() => this.#running.delete(record.upid));
    this.#running.set(record.upid, { stop, done });
    return record.upid;
  }

  /** Resolves when the task runs no more. */
  async ended(upid: string): Promise<void> {
    await this.#running.get(upid)?.done;
  }

  /** Resolves when no task runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(record: TaskRecord, signal: AbortSignal, work: (run: TaskRun) => Promise<void>): Promise<void> {
    let warnings = 0;
    const log = (text: string) => this.#log(record.upid, text);
    const warn = (text: string) => {
      warnings++;
      return log(`WARN: ${text}`);
    };
    try {
      await work({ upid: record.upid, log, warn, signal });
      signal.throwIfAborted();
      record.status = warnings > 0 ? `WARNINGS: ${warnings}` : "OK";
      await log(`TASK ${record.status}`);
    } catch (error) {
      record.status = error instanceof Error ? error.message : String(error);
      await log(`TASK ERROR: ${record.status}`);
    }
    record.endtime = Math.floor(Date.now() / 1000);
    await this.#save(record);
  }

  #newRecord(type: string, id: string, user: string): TaskRecord {
    const node = hostname().split(".")[0] || "localhost";
    const starttime = Math.floor(Date.now() / 1000);
    const upid = [
      "UPID",
      node,
      hex(process.pid),
      hex(this.#started),
      hex(this.#next++),
      hex(starttime),
      type,
      escapeUnit(id),
      user,
      "",
    ].join(":");
    return {
      upid,
      node,
      pid: process.pid,
      pstart: this.#started,
      starttime,
      worker_type: type,
      worker_id: id,
      user,
    };
  }

  async #log(upid: string, text: string): Promise<void> {
    const time = new Date().toISOString().replace(/\.\d+Z$/, "+00:00");
    await appendFile(this.#logPath(upid), `${time}: ${text}\n`);
  }

  #save(record: TaskRecord): Promise<void> {
    return writeJson(join(this.#folder, `${fileName(record.upid)}.json`), record);
  }

  #logPath(upid: string): string {
    return join(this.#folder, `${fileName(upid)}.log`);
  }
}

/** When the task of a UPID began, in seconds since 1970. */
export function startOf(upid: string): number {
  return Number.parseInt(upid.split(":")[5] ?? "", 16) || 0;
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}

/** As systemd escapes unit names, which the product does with worker ids. */
function escapeUnit(text: string): string {
  return text.replace(/[^A-Za-z0-9_.]|^\./g, (character) =>
    character === "/"
      ? "-"
      : [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

// An escaped id can be longer than a file's name may be.
function fileName(upid: string): string {
  return createHash("sha256").update(upid).digest("hex");
}
