import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** How {@link withLock} waits. */
export interface LockOptions {
  /** Called once when somebody else holds the lock. */
  onWait?: () => void;
  /** Default 30 minutes: a cold build of the slowest tool on a slow machine. */
  timeoutSeconds?: number;
}

/**
 * Runs `work` while no other process of this machine holds the lock at `path` (a folder). The lock of a process
 * that is gone is taken over; a process is known by its id and its start time, since ids come round again.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const deadline = Date.now() + (options.timeoutSeconds ?? 1800) * 1000;
  await mkdir(dirname(path), { recursive: true });
  for (let waiting = false; !(await tryLock(path)); ) {
    if (await breakIfStale(path)) continue;
    if (!waiting) options.onWait?.();
    waiting = true;
    if (Date.now() > deadline)
      throw new Error(`gave up waiting for the lock ${path}; remove it if no other process is at work`);
    await delay(200);
  }
  try {
    return await work();
  } finally {
    await discard(path);
  }
}

/** Renamed first: a half-deleted lock is an empty folder, onto which another lock could be renamed. */
async function discard(path: string): Promise<void> {
  const dead = `${path}.${randomUUID()}`;
  await rename(path, dead);
  await rm(dead, { recursive: true, force: true });
}

/** A folder renamed into place together with its owner's name, so that a lock without an owner never exists. */
async function tryLock(path: string): Promise<boolean> {
  const own = `${path}.${randomUUID()}`;
  await mkdir(own);
  await writeFile(join(own, "owner"), await identity(process.pid));
  try {
    await rename(own, path);
    return true;
  } catch {
    await rm(own, { recursive: true, force: true });
    return false;
  }
}

/** Taking over happens under a lock of its own; otherwise two could clear, and the second a fresh lock. */
async function breakIfStale(path: string): Promise<boolean> {
  if (!(await isStale(path))) return false;
  const takeover = `${path}.takeover`;
  try {
    await mkdir(takeover);
  } catch {
    const age = Date.now() - ((await stat(takeover).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > 10_000) await rm(takeover, { recursive: true, force: true });
    return false;
  }
  try {
    if (!(await isStale(path))) return false;
    await discard(path);
    return true;
  } finally {
    await rm(takeover, { recursive: true, force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  const owner = await readFile(join(path, "owner"), "utf8").catch(() => undefined);
  if (owner === undefined) return false;
  const pid = Number(owner.split(" ")[0]);
  return (await identity(pid)) !== owner;
}

/** "<pid> <start time in ticks>", or "<pid> gone". */
async function identity(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (status === undefined) return `${pid} ${process.platform === "linux" ? "gone" : "running"}`;
  // The command's name, in parentheses, may hold spaces; the start time is the 20th field after it.
  return `${pid} ${status.slice(status.lastIndexOf(")") + 2).split(" ")[19]}`;
}
