import { mkdir, open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RestoreObjectCommand } from "@aws-sdk/client-s3";
import type { Context } from "../context.ts";
import { hashFile } from "../dump/file.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure } from "../exit-codes.ts";
import { filesOf, type Manifest, type RunFile, writeManifest } from "../runs/manifest.ts";
import { listRuns, type Run, runsFolder, sizeOfRun } from "../runs/runs.ts";
import { syncFolder } from "../system/files.ts";
import { freeBytes } from "../system/space.ts";
import { archiveOf, isS3Error, offsite, openReader, type Store } from "./client.ts";
import { downloadObject } from "./download.ts";
import { type ArchivedRun, findArchived } from "./inventory.ts";
import { removeAbandonedDownloads, retrievingFolder } from "./leftovers.ts";
import { describeObject, difference, type ObjectStatus } from "./object-status.ts";
import { recordRetrieved } from "./results.ts";
import { longestRetrieval, retrievalSource, type Tier } from "./retrieval.ts";

/** How a run is fetched back. */
export interface Retrieval {
  tier: Tier;
  /** Days for which restored copies can be read. */
  days: number;
  /** Whether to wait until everything can be read, instead of ending with the time when it can. */
  wait: boolean;
  /** Seconds between two looks while waiting. */
  pollSeconds: number;
}

/**
 * Fetches a run back from the archive into the folder of the runs, where `validate` and `restore` find it. What is in
 * Glacier is asked for first; without `wait` the command then ends, and a later one goes on. Every file is held against
 * its SHA-256 before the run gets its name; an interrupted download keeps what it has. Only under the lock `retrieve`,
 * so that dumps go on meanwhile.
 */
export async function retrieve(context: Context, id: string, retrieval: Retrieval): Promise<void> {
  const settings = archiveOf(context);
  const { config, report, signal } = context;
  await removeAbandonedDownloads(context);
  const here = await findHere(config, id);
  if (here !== undefined) {
    await recordBack(config, here);
    report.event("info", "archive-restore-current", `run ${id} is here already`, { run: id });
    return;
  }
  const reader = await openReader(settings);
  try {
    await offsite(signal, `cannot fetch run ${id} from the archive`, async () => {
      const manifest = await readableRun(context, reader, settings.prefix, id, retrieval);
      if (manifest !== undefined) await download(context, reader, id, manifest);
    });
  } finally {
    reader.client.destroy();
  }
}

/** A run that is on this host; fails as `preflight` where it is, but cannot be read. */
async function findHere({ directory, cluster }: Context["config"], id: string): Promise<Run | undefined> {
  const { runs, unreadable } = await listRuns(directory, cluster.name);
  if (!unreadable.some((run) => run.id === id)) return runs.find((run) => run.id === id);
  const folder = join(runsFolder(directory, cluster.name), id);
  throw new Failure("preflight", `${folder} is there, but damaged; move it away first`);
}

/** Writes down that a run is back; also for one that was killed between that and the run's name. */
async function recordBack(config: Context["config"], { id, manifest }: Omit<Run, "folder">): Promise<void> {
  const finishedAt = manifest.offsite?.retrievedAt;
  if (finishedAt === undefined) return;
  await recordRetrieved(config, { run: id, finishedAt, sizeBytes: sizeOfRun(manifest) });
}

/** Asks for what cannot be read; resolves to the manifest when all can be, to `undefined` when it would take waiting. */
async function readableRun(
  context: Context,
  reader: Store,
  prefix: string,
  id: string,
  retrieval: Retrieval,
): Promise<Manifest | undefined> {
  for (;;) {
    const run = await findArchived(reader, prefix, context.config.cluster.name, id);
    const pending = await unreadable(reader, run);
    if (pending.length === 0) return demandManifest(run);
    const seconds = await request(reader, pending, retrieval);
    const at = new Date(context.now().getTime() + seconds * 1000).toISOString();
    const text = `run ${id}: ${pending.length} objects are asked for from ${classesOf(pending)}, there within ${formatSeconds(seconds)} (by ${at}; ${retrievalSource})`;
    const facts = { run: id, objects: pending.length, tier: retrieval.tier, readyBy: at };
    context.report.event("info", "archive-restore-requested", text, { ...facts, source: retrievalSource });
    if (!retrieval.wait) return undefined;
    await sleep(retrieval.pollSeconds * 1000, undefined, { signal: context.signal });
  }
}

/** The objects of a run that need a restore before they can be read, or wait for it. */
async function unreadable(reader: Store, run: ArchivedRun): Promise<ObjectStatus[]> {
  const isPending = ({ state }: ObjectStatus) => state === "archived" || state === "restoring";
  if (run.manifest === undefined)
    return [run.manifestStatus].filter(
      (status) => status !== undefined && isPending(status),
    ) as ObjectStatus[];
  const statuses: ObjectStatus[] = [];
  for (const object of run.manifest.offsite?.objects ?? []) {
    const status = await describeObject(reader, object);
    const problem = difference(object, status);
    if (problem !== undefined) throw new Failure("verification", `the archive is damaged: ${problem}`);
    if (isPending(status)) statuses.push(status);
  }
  return statuses;
}

/** Asks for each object; resolves to the seconds that it takes at most. */
async function request(
  { client, bucket }: Store,
  pending: readonly ObjectStatus[],
  { tier, days }: Retrieval,
): Promise<number> {
  let longest = 0;
  for (const { key, versionId, storageClass, state } of pending) {
    const seconds = longestRetrieval(storageClass, tier);
    if (seconds === undefined)
      throw new Failure("usage", `${storageClass} knows no ${tier} restore; choose another --tier`);
    longest = Math.max(longest, seconds);
    if (state === "restoring") continue;
    const restore = new RestoreObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(versionId === null ? {} : { VersionId: versionId }),
      RestoreRequest: { Days: days, GlacierJobParameters: { Tier: tier } },
    });
    await client.send(restore).catch((error: unknown) => {
      if (!isS3Error(error, "RestoreAlreadyInProgress")) throw error;
    });
  }
  return longest;
}

function demandManifest({ id, manifest, problem }: ArchivedRun): Manifest {
  if (manifest === undefined) throw new Failure("verification", `run ${id} cannot be restored: ${problem}`);
  if (manifest.offsite?.objects === undefined) {
    throw new Failure("verification", `the manifest of run ${id} names no objects`);
  }
  return manifest;
}

async function download(context: Context, reader: Store, id: string, manifest: Manifest): Promise<void> {
  const { config, report, signal, now } = context;
  const parent = runsFolder(config.directory, config.cluster.name);
  const folder = retrievingFolder(parent, id);
  const files = filesOf(manifest);
  const there = await filesThere(folder, files, signal);
  const missing = files.filter(({ file }) => !there.has(file));
  await demandSpace(context, missing);
  for (const { file } of missing) await createFile(join(folder, file));
  for (const object of manifest.offsite?.objects ?? []) {
    if (object.extents.every(({ file }) => there.has(file))) continue;
    await downloadObject(reader, object, folder, signal);
    const { key, sizeBytes } = object;
    report.event("info", "object-fetched", `fetched ${key} (${formatBytes(sizeBytes)})`, { key, sizeBytes });
  }
  const arrived = await filesThere(folder, missing, signal);
  const wrong = missing.filter(({ file }) => !arrived.has(file)).map(({ file }) => file);
  if (wrong.length > 0)
    throw new Failure(
      "verification",
      `not what the manifest says: ${wrong.join(", ")}; what came is in ${folder}`,
    );
  const back: Manifest = {
    ...manifest,
    offsite: manifest.offsite && { ...manifest.offsite, retrievedAt: now().toISOString() },
  };
  await writeManifest(folder, back);
  for (const path of new Set(files.map(({ file }) => dirname(join(folder, file))))) await syncFolder(path);
  await syncFolder(folder);
  await rename(folder, join(parent, id));
  await syncFolder(parent);
  const sizeBytes = sizeOfRun(manifest);
  await recordBack(config, { id, manifest: back });
  const text = `run ${id} is back in ${join(parent, id)}, every SHA-256 is right; \`dbkeeper validate ${id}\` proves it`;
  report.event("info", "archive-restored", text, { run: id, sizeBytes });
}

/** The files that an earlier attempt brought whole. */
async function filesThere(
  folder: string,
  files: readonly RunFile[],
  signal: AbortSignal,
): Promise<Set<string>> {
  const there = new Set<string>();
  for (const { file, sizeBytes, sha256 } of files) {
    const found = await hashFile(join(folder, file), signal).catch(() => undefined);
    signal.throwIfAborted();
    if (found?.sizeBytes === sizeBytes && found.sha256 === sha256) there.add(file);
  }
  return there;
}

async function createFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await (await open(path, "w", 0o600)).close();
}

async function demandSpace({ config }: Context, files: readonly RunFile[]): Promise<void> {
  const needed = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const free = await freeBytes(config.directory);
  if (free - needed >= config.minimumFreeBytes) return;
  throw new Failure(
    "preflight",
    `${config.directory} has ${formatBytes(free)} free, but the run needs ${formatBytes(needed)} and ${formatBytes(config.minimumFreeBytes)} must stay free (minimumFreeBytes); make room`,
  );
}

function classesOf(statuses: readonly ObjectStatus[]): string {
  return [...new Set(statuses.map(({ storageClass }) => storageClass))].join(" and ");
}
