import { join } from "node:path";
import type { Context } from "../context.ts";
import { exitCodes, Failure, kindOf, messageOf } from "../exit-codes.ts";
import { commandFamilies } from "../metrics/commands.ts";
import { type Family, parseFamilies, renderFamilies } from "../metrics/family.ts";
import { requireDirectory } from "../runs/runs.ts";
import { textIfThere, writeFileAtomic } from "../system/files.ts";
import { acquireLock } from "../system/lock.ts";
import { isReadable } from "./info.ts";
import { walFamilies } from "./metrics.ts";
import { walOf } from "./pgbackrest.ts";
import { readWalStatus } from "./status.ts";

/**
 * Runs a command for physical backups under a lock of its own and writes metrics of its own. They run as another
 * system user than dumps, who cannot write into the dumps' folder, and neither disturbs the other.
 */
export async function walRecorded(
  context: Context,
  command: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const { config } = walOf(context);
  const { name } = context.config.cluster;
  await requireDirectory(config.directory);
  const startedAt = context.now().getTime();
  const lock = await acquireLock(join(config.directory, `.dbkeeper-wal-${name}.lock`), command);
  let failure: unknown;
  try {
    await work();
  } catch (error) {
    failure = error;
  }
  try {
    const kind = failure === undefined ? "ok" : kindOf(failure);
    const outcome = {
      command,
      exitCode: exitCodes[kind].code,
      durationSeconds: (context.now().getTime() - startedAt) / 1000,
    };
    await writeWalMetrics(context, outcome);
  } catch (error) {
    const text = `cannot write ${config.metricsFile}: ${messageOf(error)}`;
    context.report.event("error", "metrics-failed", text);
    failure ??= new Failure("other", `${text}; everything else is done`);
  } finally {
    await lock.release();
  }
  if (failure !== undefined) throw failure;
}

/** Where the server or the repository does not answer, their samples stay as they were, so that they age. */
async function writeWalMetrics(
  context: Context,
  outcome: { command: string; exitCode: number; durationSeconds: number },
): Promise<void> {
  const { config } = walOf(context);
  const timestampSeconds = Math.floor(context.now().getTime() / 1000);
  const previous = parseFamilies(await textIfThere(config.metricsFile));
  const current = await currentFamilies(context, previous);
  const commands = commandFamilies(context.config.cluster.name, previous, { ...outcome, timestampSeconds });
  await writeFileAtomic(config.metricsFile, renderFamilies([...current, ...commands]), 0o644);
}

async function currentFamilies(context: Context, previous: readonly Family[]): Promise<readonly Family[]> {
  try {
    const status = await readWalStatus(context);
    const current = walFamilies(status, context.now().getTime() / 1000);
    if (isReadable(status.stanzaStatus)) return current;
    return current.map(
      (family) =>
        (family.samples.length === 0 ? previous.find(({ name }) => name === family.name) : undefined) ??
        family,
    );
  } catch {
    return previous.filter(({ name }) => name.startsWith("dbkeeper_wal_"));
  }
}
