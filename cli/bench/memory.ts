import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

// A program that ends soon is looked at soon; one that goes on is held up by it no more than ten times a second.
const leastMsApart = 10;
const mostMsApart = 100;

/** Watches how much memory all processes below this one hold together. */
export interface MemoryWatch {
  /**
   * Ends the watch; gives the most that was seen, in MiB of proportional set sizes: a page that several processes share
   * counts once.
   */
  stop(): number;
}

export interface MemoryWatchOptions {
  /** Leaves out what ran before and whatever that starts, such as a database server. Default false. */
  readonly onlyNew?: boolean;
}

export async function watchMemory({ onlyNew = false }: MemoryWatchOptions = {}): Promise<MemoryWatch> {
  const before = new Set(onlyNew ? childrenIn(await allParents(), process.pid) : []);
  const ended = new AbortController();
  const { signal } = ended;
  let peakBytes = 0;
  const look = async () => {
    const startedAt = performance.now();
    while (!signal.aborted) {
      peakBytes = Math.max(peakBytes, await bytesBelow(process.pid, before));
      const pauseMs = Math.min(Math.max((performance.now() - startedAt) / 10, leastMsApart), mostMsApart);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  void look();
  return {
    stop() {
      ended.abort();
      return peakBytes / 2 ** 20;
    },
  };
}

/** Memory of all descendants of a process, but for those of `except` and theirs. */
async function bytesBelow(root: number, except: ReadonlySet<number>): Promise<number> {
  const parents = await allParents();
  const below = (pid: number): number[] =>
    childrenIn(parents, pid)
      .filter((child) => !except.has(child))
      .flatMap((child) => [child, ...below(child)]);
  const sizes = await Promise.all(below(root).map(bytesOf));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function childrenIn(parents: ReadonlyMap<number, number>, of: number): number[] {
  return [...parents].filter(([, parent]) => parent === of).map(([pid]) => pid);
}

/** The parent of each process that runs. */
async function allParents(): Promise<ReadonlyMap<number, number>> {
  const entries = await readdir("/proc");
  const pids = entries.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
  const found = await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const));
  return new Map(found.flatMap(([pid, parent]) => (parent === undefined ? [] : [[pid, parent] as const])));
}

/** The fields are counted after the program's name, which may hold blanks and brackets (proc_pid_stat(5)). */
async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await textOf(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

async function bytesOf(pid: number): Promise<number> {
  const [, kibibytes = "0"] =
    /^Pss:\s+(\d+) kB$/m.exec((await textOf(`/proc/${pid}/smaps_rollup`)) ?? "") ?? [];
  return Number(kibibytes) * 1024;
}

/** `undefined` for a process that has ended since. */
async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
