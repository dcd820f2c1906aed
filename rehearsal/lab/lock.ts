import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../lib/files.ts";
import { isAlive, startTimeOf } from "../lib/process.ts";

/** Somebody else works on this checkout's lab right now. */
export class BusyError extends Error {
  readonly hint = "wait until it has ended, or end it";
  readonly exitCode = 75;
}

/**
 * Runs work while no other command changes this checkout's lab. The lock names its owner by pid and start time, so
 * that a killed command leaves none behind.
 * @throws BusyError naming the other command
 */
export async function withLock<T>(folder: string, command: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, "lock.json");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await take(path, command);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, command: string): Promise<void> {
  const startTimeTicks = await startTimeOf(process.pid);
  const content = JSON.stringify({ pid: process.pid, startTimeTicks, command });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(path, content, { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const owner = await ownerOf(path);
    if (owner && (await isAlive(owner))) {
      throw new BusyError(`\`lab ${owner.command}\` (pid ${owner.pid}) is working on this lab`);
    }
    await rm(path, { force: true });
  }
  throw new BusyError("another command keeps taking the lock of this lab");
}

async function ownerOf(
  path: string,
): Promise<{ pid: number; startTimeTicks: number; command: string } | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    // A file that was cut short by a crash has no owner either.
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
