import { join } from "node:path";
import type { Config } from "./config.ts";
import type { Report } from "./events.ts";
import { requireDirectory } from "./runs/runs.ts";
import { acquireLock } from "./system/lock.ts";

/** What every command gets. */
export interface Context {
  config: Config;
  report: Report;
  /** Fires when the command is to end: children are ended, scratch databases dropped, partial files removed. */
  signal: AbortSignal;
  now(): Date;
}

/**
 * Runs a command's work under the cluster's lock. Fails as `busy` where another command holds it and as
 * `preflight` where the backup folder is missing.
 */
export async function withLock<T>(context: Context, command: string, work: () => Promise<T>): Promise<T> {
  const { config } = context;
  await requireDirectory(config.directory);
  const path = join(config.directory, `.dbkeeper-${config.cluster.name}.lock`);
  const lock = await acquireLock(path, command);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
