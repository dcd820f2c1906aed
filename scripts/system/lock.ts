import { createHash } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";
import * as z from "zod";
import { Failure } from "../exit-codes.ts";
import { hasCode, leaveToFolder, removeAbandoned, temporaryBeside } from "./files.ts";

const holderSchema = z.object({
  pid: z.int().positive(),
  /** Start time of the process in clock ticks since boot, and that boot: they tell a re-used pid apart. */
  startTimeTicks: z.int(),
  bootId: z.string(),
  command: z.string(),
  since: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

/** A held lock. */
export interface Lock {
  release(): Promise<void>;
}

/** Commands that hold a lock for a moment only, and how long others wait for them. */
export interface Patience {
  commands: readonly string[];
  seconds: number;
  signal: AbortSignal;
}

/** The lock is held by a process that runs. */
class Held extends Failure {
  readonly command: string;

  constructor({ command, since, pid }: Holder) {
    super("busy", `"${command}" works on this cluster since ${since} (process ${pid}); try again later`);
    this.command = command;
  }
}

/**
 * Takes the one lock of a cluster, which every command that changes something holds. A lock whose process has
 * ended (crash, reboot) is taken over. Fails as `busy` while the holder runs, at once unless it is one to wait for.
 */
export async function acquireLock(path: string, command: string, patience?: Patience): Promise<Lock> {
  const deadline = Date.now() + (patience?.seconds ?? 0) * 1000;
  for (;;) {
    try {
      return await takeLock(path, command);
    } catch (error) {
      const isBrief = error instanceof Held && patience?.commands.includes(error.command);
      if (!isBrief || Date.now() > deadline) throw error;
    }
    patience?.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function takeLock(path: string, command: string): Promise<Lock> {
  const own: Holder = {
    pid: process.pid,
    startTimeTicks: (await startTimeOf(process.pid)) ?? 0,
    bootId: await bootId(),
    command,
    since: new Date().toISOString(),
  };
  await removeAbandoned(path);
  const unique = temporaryBeside(path);
  const content = `${JSON.stringify(own)}\n`;
  // Maintenance is of another account, of this one's group, and looks whether a backup works.
  const handle = await open(unique, "wx", 0o640);
  try {
    try {
      await handle.writeFile(content);
      // Others that want the lock have to read who holds it.
      await leaveToFolder(handle, dirname(path));
    } finally {
      await handle.close();
    }
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        // A link appears with its content complete, where a file that is created and then written does not.
        await link(unique, path);
        return { release: () => release(path, content) };
      } catch (error) {
        if (!hasCode(error, "EEXIST")) throw error;
      }
      await refuseOrClear(path);
    }
  } finally {
    await rm(unique, { force: true });
  }
  throw new Failure("busy", `the lock ${path} changes hands all the time; try again later`);
}

/** Fails as `busy` where a process that runs holds the lock. Takes nothing. */
export async function requireFree(path: string): Promise<void> {
  await requireStale(path);
}

/** Fails as busy where the holder runs, removes the lock where it does not. */
async function refuseOrClear(path: string): Promise<void> {
  if ((await requireStale(path)) === undefined) return;
  // Two processes that both find a stale lock must not remove each other's fresh one: only one may look again and
  // remove at a time. A socket in the abstract namespace is free again when its process ends, however it ends.
  const guard = createServer();
  try {
    await listen(guard, path);
  } catch (error) {
    if (!hasCode(error, "EADDRINUSE")) throw error;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return;
  }
  try {
    if ((await requireStale(path)) !== undefined) await rm(path, { force: true });
  } finally {
    await new Promise((resolve) => guard.close(resolve));
  }
}

async function requireStale(path: string): Promise<string | undefined> {
  const text = await readIfThere(path);
  const holder = text === undefined ? undefined : parseHolder(text);
  if (holder !== undefined && (await runs(holder))) {
    throw new Held(holder);
  }
  return text;
}

async function listen(server: Server, path: string): Promise<void> {
  const name = createHash("sha256").update(path).digest("hex").slice(0, 32);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(`\0dbkeeper-${name}`, resolve);
  });
}

async function release(path: string, content: string): Promise<void> {
  if ((await readIfThere(path)) === content) await rm(path, { force: true });
}

async function runs(holder: Holder): Promise<boolean> {
  return holder.bootId === (await bootId()) && (await startTimeOf(holder.pid)) === holder.startTimeTicks;
}

async function startTimeOf(pid: number): Promise<number | undefined> {
  const text = await readIfThere(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field may contain spaces and brackets, so the last bracket ends it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : Number(fields[19]);
}

async function bootId(): Promise<string> {
  return ((await readIfThere("/proc/sys/kernel/random/boot_id")) ?? "").trim();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
