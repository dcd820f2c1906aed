import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { runsFolder } from "../runs/runs.ts";
import { hasCode } from "../system/files.ts";

/** For how long after its last byte an interrupted download can still be taken up, in days. */
const keptDays = 7;

/** Where a run that is fetched back lies until it is complete. */
export function retrievingFolder(parent: string, id: string): string {
  return join(parent, `.${id}.retrieving`);
}

/** Removes downloads that nobody took up again, and those of runs that have come back meanwhile. */
export async function removeAbandonedDownloads({ config, report, now }: Context): Promise<void> {
  const parent = runsFolder(config.directory, config.cluster.name);
  const names: string[] = await readdir(parent).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  for (const name of names) {
    const id = /^\.(\d{8}T\d{6}Z)\.retrieving$/.exec(name)?.[1];
    if (id === undefined) continue;
    const folder = join(parent, name);
    const isOld = (await lastChange(folder)) < now().getTime() - keptDays * 86_400_000;
    if (!isOld && !names.includes(id)) continue;
    await rm(folder, { recursive: true, force: true });
    const text = `removed what was fetched of run ${id}: nobody took it up again`;
    report.event("info", "archive-leftover-removed", text, { run: id });
  }
}

/** When anything in a folder changed last, in milliseconds since 1970. */
async function lastChange(folder: string): Promise<number> {
  const times = [(await stat(folder)).mtimeMs];
  for (const name of await readdir(folder, { recursive: true })) {
    times.push((await stat(join(folder, name))).mtimeMs);
  }
  return Math.max(...times);
}
