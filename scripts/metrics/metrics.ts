import { archiveMetrics } from "../archive/results.ts";
import type { Context } from "../context.ts";
import { kindOf } from "../exit-codes.ts";
import { maintainMetrics } from "../maintain/metrics.ts";
import { textIfThere, writeFileAtomic } from "../system/files.ts";
import { acquireLock, type Lock } from "../system/lock.ts";
import { backupMetrics } from "./backups.ts";
import { type CommandResult, commandFamilies } from "./commands.ts";
import { diskMetrics } from "./disk.ts";
import { type Family, parseFamilies, renderFamilies } from "./family.ts";
import type { MetricsSource } from "./source.ts";

/** What every area adds. */
const sources: readonly MetricsSource[] = [backupMetrics, diskMetrics, maintainMetrics, archiveMetrics];

/** What is to be written about a command that has ended. */
export type Outcome = Pick<CommandResult, "command" | "exitCode" | "durationSeconds">;

/**
 * Writes the metrics anew, after a command has ended with its outcome. Needs no lock of the cluster, so that a check
 * beside a long dump is seen at once.
 */
export async function refreshMetrics(context: Context, outcome?: Outcome): Promise<void> {
  const { cluster, metricsFile } = context.config;
  const lock = await ownLock(metricsFile);
  try {
    const previous = parseFamilies(await textIfThere(metricsFile));
    const current = await readSources(context, previous);
    const timestampSeconds = Math.floor(context.now().getTime() / 1000);
    const commands =
      outcome === undefined
        ? previous.filter(({ name }) => isOfCommands.test(name))
        : commandFamilies(cluster.name, previous, { ...outcome, timestampSeconds });
    await writeFileAtomic(metricsFile, renderFamilies([...current, ...commands]), 0o644);
  } finally {
    await lock.release();
  }
}

/** The metrics as they are now, without what is known only of commands that have ended. */
export async function currentMetrics(context: Context): Promise<string> {
  const previous = parseFamilies(await textIfThere(context.config.metricsFile));
  const commands = previous.filter(({ name }) => isOfCommands.test(name));
  return renderFamilies([...(await readSources(context, previous)), ...commands]);
}

const isOfCommands = /^dbkeeper_(last_run_|runs_total$)/;

async function readSources(context: Context, previous: readonly Family[]): Promise<Family[]> {
  const families = await Promise.all(
    sources.map(({ ageing, read }) =>
      read(context).catch(() => previous.filter(({ name }) => ageing.includes(name))),
    ),
  );
  return families.flat();
}

/** Two commands that end at once must not lose each other's results: writing takes milliseconds, so wait. */
async function ownLock(metricsFile: string): Promise<Lock> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await acquireLock(`${metricsFile}.lock`, "metrics");
    } catch (error) {
      if (kindOf(error) !== "busy" || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
