import { join } from "node:path";
import type { Config } from "./config.ts";
import type { Report } from "./events.ts";
import { maintenanceDirectory } from "./maintain/config.ts";
import { requireDirectory } from "./runs/runs.ts";
import { acquireLock, requireFree } from "./system/lock.ts";

/** What every command gets. */
export interface Context {
  config: Config;
  report: Report;
  /** Fires when the command is to end: children are ended, scratch databases dropped, partial files removed. */
  signal: AbortSignal;
  now(): Date;
}

/**
 * What a lock of a cluster is for: `cluster` is that of everything that makes or changes backups, `maintenance` that of
 * work on the databases which gives way to it. What is sent to the archive, fetched from there and verified there takes
 * hours over a slow line: each has a lock of its own, so that no dump waits for it.
 */
export type LockPurpose = "cluster" | "maintenance" | "archive" | "retrieve" | "verify";

/**
 * Runs a command's work under a lock of the cluster. Fails as `busy` where another command holds it and as
 * `preflight` where the backup folder is missing.
 */
export async function withLock<T>(
  context: Context,
  command: string,
  work: () => Promise<T>,
  purpose: LockPurpose = "cluster",
): Promise<T> {
  await requireDirectory(lockFolder(context, purpose));
  const lock = await acquireLock(lockFile(context, purpose), command);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Fails as `busy` while another command holds the cluster's lock. */
export async function requireNoBackup(context: Context): Promise<void> {
  await requireFree(lockFile(context, "cluster"));
}

/** The file of a lock of the cluster. */
export function lockFile(context: Context, purpose: LockPurpose): string {
  const ending = purpose === "cluster" ? "lock" : `${purpose}.lock`;
  return join(lockFolder(context, purpose), `.dbkeeper-${context.config.cluster.name}.${ending}`);
}

function lockFolder({ config }: Context, purpose: LockPurpose): string {
  return purpose === "maintenance" ? maintenanceDirectory(config) : config.directory;
}
