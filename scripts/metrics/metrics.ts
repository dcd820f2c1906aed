import { readFile } from "node:fs/promises";
import type { Context } from "../context.ts";
import { listRuns, requireDirectory } from "../runs/runs.ts";
import { hasCode, writeFileAtomic } from "../system/files.ts";
import { freeBytes } from "../system/space.ts";
import { parseResults, renderMetrics } from "./metrics-text.ts";

/**
 * Writes the metrics after a command has ended. Where the backup folder cannot be read (its disk is gone) the
 * samples that come from it are taken over from the file as it was, so that they age instead of vanishing.
 */
export async function writeMetrics(context: Context, command: string, success: boolean): Promise<void> {
  const { cluster, directory, metricsFile } = context.config;
  const previous = await readFile(metricsFile, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  });
  const timestampSeconds = Math.floor(context.now().getTime() / 1000);
  const results = [
    ...parseResults(previous, cluster.name).filter((result) => result.command !== command),
    { command, success, timestampSeconds },
  ].toSorted((a, b) => (a.command < b.command ? -1 : 1));
  const inventory = await requireDirectory(directory)
    .then(() => listRuns(directory, cluster.name))
    .catch(() => undefined);
  const text = renderMetrics({
    cluster: cluster.name,
    manifests: inventory?.runs.map((run) => run.manifest),
    results,
    freeBytes: inventory === undefined ? undefined : await freeBytes(directory).catch(() => undefined),
  });
  const kept = inventory === undefined ? samplesOfDatabases(previous) : "";
  await writeFileAtomic(metricsFile, kept + text, 0o644);
}

/** The lines of the families that describe databases, from a metrics file. */
function samplesOfDatabases(text: string): string {
  const families = /^(# (HELP|TYPE) )?dbkeeper_(last_(success|validated|offsite)_timestamp_seconds|dump_)/;
  return text
    .split("\n")
    .filter((line) => families.test(line))
    .map((line) => `${line}\n`)
    .join("");
}
