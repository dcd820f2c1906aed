import { readFile } from "node:fs/promises";

/** Ticks of a second in what Linux tells of processes, on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Processor time, of programs and kernel, of all children of this process that have ended, and of theirs. */
export async function processorSecondsOfChildren(): Promise<number> {
  const stat = await readFile("/proc/self/stat", "utf8");
  // Counted after the program's name, which may hold blanks and brackets (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}
