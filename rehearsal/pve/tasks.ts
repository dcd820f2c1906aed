import { appendFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJson, writeJson } from "../lib/files.ts";
import { startTimeOf } from "../lib/process.ts";
import { failure } from "./errors.ts";

const taskSchema = z.object({
  upid: z.string(),
  node: z.string(),
  type: z.string(),
  /** What it works on, e.g. a VM id; may be empty. */
  id: z.string(),
  user: z.string(),
  pid: z.number(),
  pstart: z.number(),
  /** Unix time in seconds. */
  starttime: z.number(),
  endtime: z.number().optional(),
  /** `OK` or the error; missing while it runs. */
  exitstatus: z.string().optional(),
});

/** A worker task. */
export type Task = z.infer<typeof taskSchema>;

/** What a task is about. */
export interface TaskAbout {
  node: string;
  type: string;
  id: string;
  user: string;
}

/** Appends a line to the task's log. */
export type TaskLog = (line: string) => void;

/** Worker tasks with their logs, kept on disk. */
export class Tasks {
  readonly #folder: string;
  readonly #tasks = new Map<string, Task>();
  readonly #running = new Set<Promise<void>>();
  #counter = 0;
  #pstart = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens the tasks of a folder. Those that ran when the simulator was killed have ended, with no status. */
  static async open(folder: string): Promise<Tasks> {
    await mkdir(folder, { recursive: true });
    const tasks = new Tasks(folder);
    tasks.#pstart = (await startTimeOf(process.pid)) ?? 0;
    for (const name of await readdir(folder)) {
      if (!name.endsWith(".json")) continue;
      const task = taskSchema.parse(await readJson(join(folder, name)));
      tasks.#tasks.set(task.upid, task);
      if (task.exitstatus === undefined) await tasks.#end(task, "unexpected status");
    }
    return tasks;
  }

  /** Starts a task and returns its id; the work goes on after that. */
  async start(about: TaskAbout, work: (log: TaskLog) => Promise<void>): Promise<string> {
    this.#counter += 1;
    const pid = (process.pid + this.#counter) % 2 ** 32;
    const starttime = Math.floor(Date.now() / 1000);
    const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, "0");
    const upid = `UPID:${about.node}:${hex(pid)}:${hex(this.#pstart)}:${hex(starttime)}:${about.type}:${about.id}:${about.user}:`;
    const task: Task = { ...about, upid, pid, pstart: this.#pstart, starttime };
    this.#tasks.set(upid, task);
    await writeJson(this.#path(upid, "json"), task, { mode: 0o600 });
    const running = this.#run(task, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return upid;
  }

  /** The task with an id; fails as the product does where there is none. */
  get(node: string, upid: string): Task {
    const task = this.#tasks.get(upid);
    if (task === undefined || task.node !== node) throw failure("no such task");
    return task;
  }

  /** Tasks of a node, newest first. */
  list(node: string): Task[] {
    return [...this.#tasks.values()].filter((task) => task.node === node).reverse();
  }

  /** All lines of a task's log. */
  async log(upid: string): Promise<string[]> {
    const text = await readFile(this.#path(upid, "log"), "utf8").catch(() => "");
    return text === "" ? [] : text.trimEnd().split("\n");
  }

  /** Waits until nothing runs. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #run(task: Task, work: (log: TaskLog) => Promise<void>): Promise<void> {
    let writing: Promise<void> = Promise.resolve();
    const log: TaskLog = (line) => {
      writing = writing.then(() => appendFile(this.#path(task.upid, "log"), `${line}\n`, { mode: 0o600 }));
    };
    let exitstatus = "OK";
    try {
      await work(log);
      log("TASK OK");
    } catch (error) {
      const message = (error instanceof Error ? error.message : String(error)).trimEnd();
      exitstatus = message.split("\n")[0] ?? "unknown error";
      log(`TASK ERROR: ${message}`);
    }
    await writing;
    await this.#end(task, exitstatus);
  }

  async #end(task: Task, exitstatus: string): Promise<void> {
    const ended = { ...task, exitstatus, endtime: Math.floor(Date.now() / 1000) };
    await writeJson(this.#path(task.upid, "json"), ended, { mode: 0o600 });
    this.#tasks.set(task.upid, ended);
  }

  #path(upid: string, extension: string): string {
    return join(this.#folder, `${upid.replaceAll(/[^\w.@!-]/g, "_")}.${extension}`);
  }
}
