import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure, messageOf } from "../exit-codes.ts";

/**
 * Writes a file so that a reader, or a crash at any moment, sees either the old content or the new one:
 * temporary name in the same folder, fsync, rename, fsync of the folder. `mode` default 0o600.
 */
export async function writeFileAtomic(path: string, content: string, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  await removeAbandoned(path);
  const temporary = temporaryBeside(path);
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(content);
      await handle.chmod(mode);
      await leaveToFolder(handle, folder);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A name in the folder of a file for what is to become it: {@link removeAbandoned} tells by it whose it is. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
}

/** Removes what processes that were killed have left beside a file; what cannot be removed stays, and harms nobody. */
export async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `.${basename(path)}.`;
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = name.startsWith(start)
      ? /^(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name.slice(start.length))?.[1]
      : undefined;
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

/** Whether a process of this number runs, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !hasCode(error, "ESRCH");
  }
}

/**
 * Gives what root has made to the owner of its folder: an administrator's restore must leave nothing that the account
 * of the timers cannot write again. Anybody else's files stay as they are. By its handle, because who owns the folder
 * could put a link in the file's place.
 */
export async function leaveToFolder(handle: FileHandle, folder: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await handle.chown(uid, gid);
}

/** Makes a folder where there is none, for the owner of the one that it lies in, see {@link leaveToFolder}. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  if ((await mkdir(path, { recursive: true, mode })) === undefined) return;
  const handle = await open(path, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await leaveToFolder(handle, dirname(path));
  } finally {
    await handle.close();
  }
}

/** Makes the entries of a folder durable: a rename is safe only once its folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The text of a file; empty where there is none. */
export async function textIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}

/** Refuses as `preflight` a file with a secret that others can read, or that is not there; `setting` names it. */
export async function requirePrivateFile(path: string, setting: string): Promise<void> {
  const { mode } = await stat(path).catch((error: unknown) => {
    throw new Failure("preflight", `cannot use ${setting}: ${messageOf(error)}`, { cause: error });
  });
  if ((mode & 0o077) === 0) return;
  throw new Failure(
    "preflight",
    `${path} (${setting}) can be read by others (mode ${(mode & 0o777).toString(8)}); chmod 600 it`,
  );
}

/** Whether an error carries this system code (`ENOENT`, `EEXIST`, …). */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
