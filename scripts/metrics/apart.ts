import type { Context } from "../context.ts";
import { exitCodes, Failure, kindOf, messageOf } from "../exit-codes.ts";
import { textIfThere, writeFileAtomic } from "../system/files.ts";
import { acquireLock, type Patience } from "../system/lock.ts";
import { commandFamilies } from "./commands.ts";
import { type Family, parseFamilies, renderFamilies } from "./family.ts";

/** What a command has for itself that runs as another system user than dumps. */
export interface Apart {
  lockFile: string;
  /** Whose end is awaited where they hold the lock. Default: nobody's. */
  patience?: Patience;
  metricsFile: string;
  /** The metrics as they are now; `previous` is what the file held. */
  families(previous: readonly Family[]): Promise<readonly Family[]>;
}

/**
 * Runs a command under a lock of its own and writes metrics of its own, also after it failed. For commands of another
 * system user than that of dumps, who cannot write into the dumps' folder; neither disturbs the other.
 */
export async function recordedApart(
  context: Context,
  command: string,
  { lockFile, patience, metricsFile, families }: Apart,
  work: () => Promise<unknown>,
): Promise<void> {
  const startedAt = context.now().getTime();
  const lock = await acquireLock(lockFile, command, patience);
  let failure: unknown;
  try {
    await work();
  } catch (error) {
    failure = error;
  }
  try {
    const exitCode = exitCodes[failure === undefined ? "ok" : kindOf(failure)].code;
    const endedAt = context.now().getTime();
    const previous = parseFamilies(await textIfThere(metricsFile));
    const current = await families(previous);
    const commands = commandFamilies(context.config.cluster.name, previous, {
      command,
      exitCode,
      durationSeconds: (endedAt - startedAt) / 1000,
      timestampSeconds: Math.floor(endedAt / 1000),
    });
    await writeFileAtomic(metricsFile, renderFamilies([...current, ...commands]), 0o644);
  } catch (error) {
    const text = `cannot write ${metricsFile}: ${messageOf(error)}`;
    context.report.event("error", "metrics-failed", text);
    failure ??= new Failure("other", `${text}; everything else is done`);
  } finally {
    await lock.release();
  }
  if (failure !== undefined) throw failure;
}
