import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { isMissing } from "../lib/files.ts";
import { isAlive, startTimeOf } from "../lib/process.ts";
import type { Engine } from "./engine.ts";

/** What the engine writes into the lock of a stack on a file backend. */
const lockSchema = z.object({
  pid: z.int(),
  hostname: z.string(),
  timestamp: z.string(),
});

/** A lock by which the engine keeps a second one from changing a stack. */
export interface StackLock {
  /** Undefined where the machine was switched off while it was written. */
  readonly owner: z.output<typeof lockSchema> | undefined;
  /** Whether the engine that took it is still there, as far as this machine can tell. */
  readonly held: boolean;
}

/** The stack is locked. The message says by whom, the hint what to do. */
export class StackLockedError extends Error {
  readonly hint: string;
  readonly exitCode = 75;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "StackLockedError";
    this.hint = hint;
  }
}

/** The locks of a stack, of living engines and of killed ones. */
export async function stackLocks(backend: string, stack: string): Promise<StackLock[]> {
  const folder = join(backend, ".pulumi", "locks");
  const files = (await entriesOf(folder)).filter(
    (name) => name.endsWith(".json") && basename(dirname(name)) === stack,
  );
  return Promise.all(files.map((name) => readLock(join(folder, name))));
}

/**
 * Removes the locks of killed engines.
 *
 * @returns how many there were
 * @throws StackLockedError where an engine is still at work
 */
export async function freeStack(engine: Engine, backend: string, stack: string): Promise<number> {
  const locks = await stackLocks(backend, stack);
  if (locks.some(({ held }) => held)) throw lockedError(locks);
  if (locks.length > 0) await engine.run(["cancel", "--yes"]);
  return locks.length;
}

/** What the locks of a stack mean for somebody whom they stopped. */
export function lockedError(locks: readonly StackLock[]): StackLockedError {
  const held = locks.find((lock) => lock.held)?.owner;
  if (held) {
    const where = held.hostname === hostname() ? "" : ` on ${held.hostname}`;
    return new StackLockedError(
      `\`pulumi\` (pid ${held.pid}${where}) has been changing this stack since ${held.timestamp}`,
      "wait until it has ended, or end it",
    );
  }
  const owner = locks[0]?.owner;
  return new StackLockedError(
    owner
      ? `\`pulumi\` (pid ${owner.pid}) was killed while it changed this stack, and left its lock`
      : "a killed `pulumi` left its lock on this stack",
    "`./lab up` removes the lock and settles what was left open; `./lab pulumi -- cancel` removes only the lock",
  );
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function readLock(path: string): Promise<StackLock> {
  const owner = parseLock(await readFile(path, "utf8").catch(() => ""));
  return { owner, held: owner !== undefined && (await isHeld(owner)) };
}

function parseLock(text: string): StackLock["owner"] {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Of an engine on another machine nothing can be known, so it counts as being at work. */
async function isHeld(owner: z.output<typeof lockSchema>): Promise<boolean> {
  if (owner.hostname !== hostname()) return true;
  const startTimeTicks = await startTimeOf(owner.pid);
  if (startTimeTicks === undefined || !(await isAlive({ pid: owner.pid, startTimeTicks }))) return false;
  // Its pid may be another program's by now.
  return (await readFile(`/proc/${owner.pid}/comm`, "utf8").catch(() => "")).trim() === "pulumi";
}
