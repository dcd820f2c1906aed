import { rm } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { Failure } from "../exit-codes.ts";
import {
  filesOf,
  isValidated,
  type Manifest,
  manifestFile,
  manifestText,
  writeManifest,
} from "../runs/manifest.ts";
import { findRun, listRuns, type Run, runsFolder } from "../runs/runs.ts";
import { archiveOf, isS3Error, offsite, openReader, openWriter, type Store } from "./client.ts";
import type { ArchiveConfig } from "./config.ts";
import { FileDigests } from "./digests.ts";
import { mostParts, overheadBytes, type PlannedObject, planObjects } from "./layout.ts";
import { describeObject, difference } from "./object-status.ts";
import type { ArchivedObject } from "./offsite.ts";
import { uploadObject } from "./upload.ts";
import { abandonedStates, UploadState } from "./upload-state.ts";
import { abortUpload, freshKey, putBytes, type Uploads } from "./uploads.ts";

/** Which runs to copy: one by its name, all that are proven, or (default) the newest that is. */
export interface Selection {
  run?: string | undefined;
  all?: boolean | undefined;
}

/** Name of a run's manifest in the archive: small, so that it stays where it can be read at once. */
const archivedManifest = `${manifestFile}.gz`;

/**
 * Copies runs to S3, each object with its SHA-256, which the service checks; the manifest goes last, so that a run
 * without one is known to be incomplete. Takes up what was interrupted; does nothing where the copy is already there.
 * Only under the cluster's lock. Fails as `offsite`, as `preflight` where there is nothing proven to copy, and as
 * `verification` where a file is not what its manifest says.
 */
export async function archive(context: Context, selection: Selection = {}): Promise<void> {
  const settings = archiveOf(context);
  const runs = await select(context, selection);
  const writer = await openWriter(settings);
  const reader = settings.readerCredentialsFile === undefined ? undefined : await openReader(settings);
  try {
    await giveUpAbandoned(context, writer, runs);
    for (const run of runs) await copy(context, settings, { writer, reader }, run);
  } finally {
    writer.client.destroy();
    reader?.client.destroy();
  }
}

/** What {@link archive} would send, one event an object; changes nothing. */
export async function previewArchive(context: Context, selection: Selection): Promise<void> {
  const settings = archiveOf(context);
  for (const run of await select(context, selection)) {
    if (run.manifest.offsite !== null) continue;
    for (const { name, sizeBytes, segments } of plan(settings, run)) {
      const key = `${prefixOf(settings, run)}/${name}`;
      const files = segments.filter((segment) => "file" in segment).length;
      const facts = { run: run.id, key, sizeBytes, files, overheadBytes };
      const text = `would send ${key}: ${formatBytes(sizeBytes)} of ${files} files`;
      context.report.event("info", "archive-planned", text, facts);
    }
  }
}

async function select({ config }: Context, { run: id, all }: Selection): Promise<Run[]> {
  const { directory, cluster } = config;
  if (id !== undefined) {
    const run = await findRun(directory, cluster.name, id);
    if (isValidated(run.manifest)) return [run];
    throw new Failure("preflight", `run ${id} is not restore-validated; \`dbkeeper validate ${id}\` first`);
  }
  const validated = (await listRuns(directory, cluster.name)).runs.filter((run) => isValidated(run.manifest));
  const chosen = all === true ? validated : validated.slice(-1);
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

async function copy(
  context: Context,
  settings: ArchiveConfig,
  stores: Pick<Uploads, "writer" | "reader">,
  run: Run,
): Promise<void> {
  const { report, signal, now } = context;
  const known = run.manifest.offsite?.url;
  if (known !== undefined) {
    report.event("info", "archive-current", `run ${run.id} is already at ${known}`, { run: run.id });
    return;
  }
  await offsite(signal, `cannot copy run ${run.id} off-site`, async () => {
    const prefix = prefixOf(settings, run);
    const url = `s3://${settings.bucket}/${prefix}/`;
    const state = await UploadState.open(run.folder, url);
    const digests = new FileDigests(filesOf(run.manifest));
    const uploads: Uploads = { ...stores, settings, state, digests, folder: run.folder, signal, now };
    const objects: ArchivedObject[] = [];
    const locks: (Date | null)[] = [];
    for (const planned of plan(settings, run)) {
      const object = await uploadObject(uploads, planned, `${prefix}/${planned.name}`);
      locks.push(await lockOf(uploads, object));
      objects.push(object);
      const { key, sizeBytes } = object;
      report.event("info", "object-archived", `sent ${key} (${formatBytes(sizeBytes)})`, { key, sizeBytes });
    }
    const manifest = {
      ...run.manifest,
      offsite: { url, finishedAt: now().toISOString(), objects, ...lockedUntil(locks) },
    };
    await sendManifest(uploads, `${prefix}/${archivedManifest}`, manifest);
    await writeManifest(run.folder, manifest);
    await state.remove();
    report.event("info", "archive-finished", `copied run ${run.id} to ${url}`, { run: run.id, url });
  });
}

async function sendManifest(uploads: Uploads, key: string, manifest: Manifest): Promise<void> {
  const body = gzipSync(manifestText(manifest));
  // In the class in which it can be read before anything is restored.
  const standard = { ...uploads, settings: { ...uploads.settings, storageClass: "STANDARD" as const } };
  try {
    await putBytes(standard, key, body);
  } catch (error) {
    if (!isS3Error(error, "PreconditionFailed")) throw error;
    await putBytes(standard, freshKey(key), body);
  }
}

/** Until when an object is locked; `null` where that is not known. Fails where a reader does not see what was sent. */
async function lockOf({ reader, settings, now }: Uploads, object: ArchivedObject): Promise<Date | null> {
  if (reader === undefined) {
    const { lock } = settings;
    return lock === undefined ? null : new Date(now().getTime() + lock.days * 86_400_000);
  }
  const status = await describeObject(reader, object);
  const problem = difference(object, status);
  if (problem !== undefined) throw new Error(problem);
  return status.lockUntil;
}

function lockedUntil(locks: readonly (Date | null)[]): { lockedUntil?: string } {
  const known = locks.filter((lock) => lock !== null);
  if (known.length < locks.length || known.length === 0) return {};
  return { lockedUntil: new Date(Math.min(...known.map((lock) => lock.getTime()))).toISOString() };
}

function plan({ partBytes }: ArchiveConfig, { manifest }: Run): PlannedObject[] {
  return planObjects(filesOf(manifest), partBytes * mostParts);
}

function prefixOf({ prefix }: ArchiveConfig, { id, manifest }: Run): string {
  return `${prefix}/${manifest.cluster}/${id}`;
}
