import { readdir, readFile } from "node:fs/promises";

const pageBytes = 4096;
const sampleEveryMs = 100;

/** Watches how much memory all processes below this one hold together. */
export interface MemoryWatch {
  /** Ends the watch; gives the most that was seen, in MiB of resident memory. */
  stop(): number;
}

export interface MemoryWatchOptions {
  /** Leaves out what ran before and whatever that starts, such as a database server. Default false. */
  readonly onlyNew?: boolean;
}

export function watchMemory({ onlyNew = false }: MemoryWatchOptions = {}): MemoryWatch {
  let peakBytes = 0;
  let busy = false;
  const before = onlyNew ? childrenOf(process.pid) : Promise.resolve<ReadonlySet<number>>(new Set());
  const sample = async () => {
    if (busy) return;
    busy = true;
    peakBytes = Math.max(peakBytes, await residentBytesBelow(process.pid, await before));
    busy = false;
  };
  const timer = setInterval(() => void sample(), sampleEveryMs);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes / 2 ** 20;
    },
  };
}

interface Process {
  readonly parent: number;
  readonly residentBytes: number;
}

/** Resident memory of all descendants of a process; pages that they share count for each. */
async function residentBytesBelow(root: number, except: ReadonlySet<number>): Promise<number> {
  const all = await allProcesses();
  const processes = new Map([...all].filter(([pid]) => !except.has(pid)));
  let sum = 0;
  for (const each of processes.values()) if (isBelow(each, root, processes)) sum += each.residentBytes;
  return sum;
}

async function childrenOf(root: number): Promise<ReadonlySet<number>> {
  return new Set([...(await allProcesses())].filter(([, { parent }]) => parent === root).map(([pid]) => pid));
}

async function allProcesses(): Promise<ReadonlyMap<number, Process>> {
  const entries = await readdir("/proc");
  const pids = entries.map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
  const found = await Promise.all(pids.map(async (pid) => [pid, await processOf(pid)] as const));
  return new Map(found.flatMap(([pid, each]) => (each ? [[pid, each] as const] : [])));
}

function isBelow(process: Process, root: number, processes: ReadonlyMap<number, Process>): boolean {
  for (let at: Process | undefined = process; at; at = processes.get(at.parent))
    if (at.parent === root) return true;
  return false;
}

/** The fields are counted after the program's name, which may hold blanks and brackets (proc_pid_stat(5)). */
async function processOf(pid: number): Promise<Process | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), residentBytes: Number(fields[21]) * pageBytes };
  } catch {
    // It has ended since.
    return undefined;
  }
}
