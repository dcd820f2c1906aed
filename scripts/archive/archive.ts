import { rm } from "node:fs/promises";
import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { isValidated } from "../runs/manifest.ts";
import { findRun, listRuns, type Run, runsFolder } from "../runs/runs.ts";
import { archiveOf, openReader, openWriter, type Store } from "./client.ts";
import { copyRun, planOf, prefixOf } from "./copy.ts";
import { overheadBytes } from "./layout.ts";
import { removeAbandonedDownloads } from "./leftovers.ts";
import { abandonedStates } from "./upload-state.ts";
import { abortUpload } from "./uploads.ts";

/** Which runs to copy: one by its name, all that are proven, or (default) the newest that is. */
export interface Selection {
  run?: string | undefined;
  all?: boolean | undefined;
}

/**
 * Copies runs to S3, the newest first, each object with its SHA-256, which the service checks; the manifest goes last, so
 * that a run without one is known to be incomplete. Takes up what was interrupted; does nothing where the copy is
 * already there. Only under the lock `archive`; that of the cluster is taken for as long as a manifest is written.
 * Fails as `offsite`, as `preflight` where there is nothing proven to copy, and, after the other runs, as `verification`
 * where a file is not what its manifest says.
 */
export async function archive(context: Context, selection: Selection = {}): Promise<void> {
  const settings = archiveOf(context);
  const runs = await select(context, selection);
  const missing = runs.filter(({ manifest }) => manifest.offsite === null);
  const writer = await openWriter(settings);
  const reader = settings.readerCredentialsFile === undefined ? undefined : await openReader(settings);
  const damaged: string[] = [];
  try {
    await removeAbandonedDownloads(context);
    await giveUpAbandoned(context, writer, runs);
    for (const run of missing) {
      try {
        await copyRun(context, settings, { writer, reader }, run);
      } catch (error) {
        if (kindOf(error) !== "verification") throw error;
        damaged.push(messageOf(error));
      }
    }
  } finally {
    writer.client.destroy();
    reader?.client.destroy();
  }
  if (damaged.length > 0) throw new Failure("verification", damaged.join("; "));
  if (missing.length > 0) return;
  const [newest] = runs;
  const text = `run ${newest?.id}${runs.length > 1 ? ` and ${runs.length - 1} older ones are` : " is"} already at ${newest?.manifest.offsite?.url}`;
  context.report.event("info", "archive-current", text, { run: newest?.id ?? null, runs: runs.length });
}

/** What {@link archive} would send, one event an object; changes nothing. */
export async function previewArchive(context: Context, selection: Selection): Promise<void> {
  const settings = archiveOf(context);
  for (const run of await select(context, selection)) {
    if (run.manifest.offsite !== null) continue;
    for (const { name, sizeBytes, segments } of planOf(settings, run)) {
      const key = `${prefixOf(settings, run)}/${name}`;
      const files = segments.filter((segment) => "file" in segment).length;
      const facts = { run: run.id, key, sizeBytes, files, overheadBytes };
      const text = `would send ${key}: ${formatBytes(sizeBytes)} of ${files} files`;
      context.report.event("info", "archive-planned", text, facts);
    }
  }
}

/** Newest first: it is the copy that is missed most. */
async function select({ config }: Context, { run: id, all }: Selection): Promise<Run[]> {
  const { directory, cluster } = config;
  if (id !== undefined) {
    const run = await findRun(directory, cluster.name, id);
    if (isValidated(run.manifest)) return [run];
    throw new Failure("preflight", `run ${id} is not restore-validated; \`dbkeeper validate ${id}\` first`);
  }
  const validated = (await listRuns(directory, cluster.name)).runs
    .filter((run) => isValidated(run.manifest))
    .toReversed();
  const chosen = all === true ? validated : validated.slice(0, 1);
  if (chosen.length > 0) return chosen;
  throw new Failure(
    "preflight",
    `no run in ${runsFolder(directory, cluster.name)} is restore-validated; \`dbkeeper validate\` first`,
  );
}

/** Parts that nobody will complete are billed until they are given up. */
async function giveUpAbandoned({ config }: Context, writer: Store, runs: readonly Run[]): Promise<void> {
  const folder = runsFolder(config.directory, config.cluster.name);
  const { runs: all } = await listRuns(config.directory, config.cluster.name);
  const open = [...all, ...runs].filter(({ manifest }) => manifest.offsite === null).map(({ id }) => id);
  for (const { path, uploads } of await abandonedStates(folder, new Set(open))) {
    for (const { key, id } of uploads) await abortUpload(writer, key, id);
    await rm(path, { force: true });
  }
}
