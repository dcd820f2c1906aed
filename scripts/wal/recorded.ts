import { join } from "node:path";
import type { Context } from "../context.ts";
import { recordedApart } from "../metrics/apart.ts";
import type { Family } from "../metrics/family.ts";
import { requireDirectory } from "../runs/runs.ts";
import { isReadable } from "./info.ts";
import { walFamilies } from "./metrics.ts";
import { walOf } from "./pgbackrest.ts";
import { isStandby } from "./standby.ts";
import { readWalStatus } from "./status.ts";

/** They end within a minute or two; the timer of checks ends one after ten. */
const brief = { commands: ["wal check", "wal setup"], seconds: 600 };

/** Runs a command for physical backups, as the owner of the data directory, see {@link recordedApart}. */
export async function walRecorded(
  context: Context,
  command: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const { directory, metricsFile } = walOf(context).config;
  await requireDirectory(directory);
  const apart = {
    lockFile: join(directory, `.dbkeeper-wal-${context.config.cluster.name}.lock`),
    // A timer's backup or drill that met a check would be missing until the next day or week.
    patience: { ...brief, signal: context.signal },
    metricsFile,
    families: (previous: readonly Family[]) => currentFamilies(context, previous),
  };
  await recordedApart(context, command, apart, work);
}

/**
 * A standby tells nothing of backups: those of when it was a primary would age for ever. Where the server or the
 * repository does not answer, their samples stay as they were, so that they age.
 */
async function currentFamilies(context: Context, previous: readonly Family[]): Promise<readonly Family[]> {
  if (await isStandby(context)) return [];
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
