import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { type Context, withLock } from "../context.ts";
import { formatBytes } from "../events.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import {
  filesOf,
  isValidated,
  type Manifest,
  manifestFile,
  manifestText,
  readManifest,
  writeManifest,
} from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { isS3Error, offsite } from "./client.ts";
import type { ArchiveConfig } from "./config.ts";
import { FileDigests } from "./digests.ts";
import { mostParts, type PlannedObject, planObjects } from "./layout.ts";
import { describeObject, difference } from "./object-status.ts";
import type { ArchivedObject } from "./offsite.ts";
import { uploadObject } from "./upload.ts";
import { UploadState } from "./upload-state.ts";
import { freshKey, putBytes, type Uploads } from "./uploads.ts";

/** Name of a run's manifest in the archive: small, so that it stays where it can be read at once. */
const archivedManifest = `${manifestFile}.gz`;

/**
 * Brings one run into the archive. A run that is pruned meanwhile is left alone, which the event `archive-run-gone`
 * says; otherwise fails as `offsite`, or as `verification` where a file is not what its manifest says.
 */
export async function copyRun(
  context: Context,
  settings: ArchiveConfig,
  stores: Pick<Uploads, "writer" | "reader">,
  run: Run,
): Promise<void> {
  const { report, signal } = context;
  try {
    await offsite(signal, `cannot copy run ${run.id} off-site`, () => copy(context, settings, stores, run));
  } catch (error) {
    const isThere = await stat(run.folder).then(
      () => true,
      () => false,
    );
    if (isThere) throw error;
    const text = `run ${run.id} was removed while it was copied: ${messageOf(error)}`;
    report.event("warning", "archive-run-gone", text, { run: run.id });
  }
}

async function copy(
  context: Context,
  settings: ArchiveConfig,
  stores: Pick<Uploads, "writer" | "reader">,
  run: Run,
): Promise<void> {
  const { report, signal, now } = context;
  const prefix = prefixOf(settings, run);
  const url = `s3://${settings.bucket}/${prefix}/`;
  const state = await UploadState.open(run.folder, url);
  const digests = new FileDigests(filesOf(run.manifest));
  const uploads: Uploads = { ...stores, settings, state, digests, folder: run.folder, signal, now };
  const objects: ArchivedObject[] = [];
  const locks: (Date | null)[] = [];
  for (const planned of planOf(settings, run)) {
    const object = await uploadObject(uploads, planned, `${prefix}/${planned.name}`);
    locks.push(await lockOf(uploads, object));
    objects.push(object);
    const { key, sizeBytes } = object;
    report.event("info", "object-archived", `sent ${key} (${formatBytes(sizeBytes)})`, { key, sizeBytes });
  }
  await whenFree(context, async () => {
    // Dumps go on while a run is copied, and validation may have come to another verdict.
    const current = await readManifest(run.folder);
    if (!isValidated(current)) {
      throw new Failure("verification", `run ${run.id} was found not to be good while it was copied`);
    }
    const manifest = {
      ...current,
      offsite: { url, finishedAt: now().toISOString(), objects, ...lockedUntil(locks) },
    };
    await sendManifest(uploads, `${prefix}/${archivedManifest}`, manifest);
    await writeManifest(run.folder, manifest);
  });
  await state.remove();
  report.event("info", "archive-finished", `copied run ${run.id} to ${url}`, { run: run.id, url });
}

/** What a run becomes in the archive. */
export function planOf({ partBytes }: ArchiveConfig, { manifest }: Run): PlannedObject[] {
  return planObjects(filesOf(manifest), partBytes * mostParts);
}

/** Where a run lies in the bucket. */
export function prefixOf({ prefix }: ArchiveConfig, { id, manifest }: Run): string {
  return `${prefix}/${manifest.cluster}/${id}`;
}

/** Changes a manifest under the cluster's lock: everything is sent by then, so that waiting for a dump loses nothing. */
async function whenFree(context: Context, work: () => Promise<void>): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      return await withLock(context, "archive", work);
    } catch (error) {
      if (kindOf(error) !== "busy") throw error;
      if (!told) context.report.event("info", "archive-waiting", `waiting: ${messageOf(error)}`);
      await sleep(1000, undefined, { signal: context.signal });
    }
  }
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
