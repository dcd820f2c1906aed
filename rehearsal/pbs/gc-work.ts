import { readdir, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { parsePropertyString } from "../../infra/pbs/resources/properties.ts";
import { isIndex } from "./archive.ts";
import { chunkPath, touchChunk } from "./chunks.ts";
import type { OpenStore } from "./groups.ts";
import { folders, listNamespaces, listSnapshots, readIndex } from "./snapshots.ts";
import type { TaskRun } from "./tasks.ts";

/** What a garbage collection came to, as the API shows it. */
export interface GcStatus {
  readonly upid: string;
  readonly "index-file-count": number;
  readonly "index-data-bytes": number;
  readonly "disk-bytes": number;
  readonly "disk-chunks": number;
  readonly "removed-bytes": number;
  readonly "removed-chunks": number;
  readonly "pending-bytes": number;
  readonly "pending-chunks": number;
  readonly "removed-bad": number;
  readonly "still-bad": number;
}

type Counts = { -readonly [K in keyof Omit<GcStatus, "upid">]: number };

export const noGcStatus: Omit<GcStatus, "upid"> = {
  "index-file-count": 0,
  "index-data-bytes": 0,
  "disk-bytes": 0,
  "disk-chunks": 0,
  "removed-bytes": 0,
  "removed-chunks": 0,
  "pending-bytes": 0,
  "pending-chunks": 0,
  "removed-bad": 0,
  "still-bad": 0,
};

const defaultCutoffMinutes = 24 * 60 + 5;
const writerGapMs = 5 * 60_000;

/** When the collection began, and when the oldest backup did that still runs. */
export interface GcClock {
  readonly now: Date;
  readonly oldestWriter?: Date | undefined;
}

/**
 * Marks every chunk that an index names by its access time, then removes those that nobody has used for longer than
 * the cutoff (tuning `gc-atime-cutoff`, 1445 minutes).
 */
export async function collectGarbage(store: OpenStore, run: TaskRun, clock: GcClock): Promise<GcStatus> {
  const counts: Counts = { ...noGcStatus };
  const tuning = parsePropertyString(String(store.section.tuning ?? ""));
  const cutoffMinutes = Number(tuning["gc-atime-cutoff"] ?? defaultCutoffMinutes);
  const oldestWriter = clock.oldestWriter ?? clock.now;
  let usedSince = new Date(clock.now.getTime() - cutoffMinutes * 60_000);
  await run.log(`starting garbage collection on store ${store.name}`);
  if (tuning["gc-atime-safety-check"] !== "false" && tuning["gc-atime-safety-check"] !== "0") {
    await run.log("Access time update check successful, proceeding with GC.");
  }
  await run.log(
    `Using access time cutoff ${durationOf(cutoffMinutes)}, minimum access time is ${usedSince.toISOString().replace(/\.\d+Z/, "Z")}`,
  );
  if (oldestWriter < usedSince) usedSince = new Date(oldestWriter.getTime() - writerGapMs);
  await run.log("Start GC phase1 (mark used chunks)");
  await mark(store, run, clock.now, counts);
  await run.log("Start GC phase2 (sweep unused chunks)");
  await sweep(store, run, { usedSince, oldestWriter }, counts);
  await report(counts, run);
  return { upid: run.upid, ...counts };
}

async function mark(store: OpenStore, run: TaskRun, now: Date, counts: Counts): Promise<void> {
  const indexes: { readonly path: string; readonly digests: readonly string[]; readonly size: number }[] = [];
  for (const ns of await listNamespaces(store.root, "", 7)) {
    for (const snapshot of await listSnapshots(store.root, ns)) {
      for (const { filename } of snapshot.files.filter((file) => isIndex(file.filename))) {
        const index = await readIndex(snapshot, filename);
        indexes.push({ path: join(snapshot.folder, filename), ...index });
      }
    }
  }
  const touched = new Set<string>();
  for (const [position, { path, digests, size }] of indexes.entries()) {
    counts["index-file-count"]++;
    counts["index-data-bytes"] += size;
    for (const digest of digests) {
      run.signal.throwIfAborted();
      if (touched.has(digest)) continue;
      touched.add(digest);
      if (await touchChunk(store.root, digest, now)) continue;
      await run.warn(`unable to access non-existent chunk ${digest}, required by "${path}"`);
      await touchBad(store, digest, now);
    }
    const percent = Math.floor((100 * (position + 1)) / indexes.length);
    await run.log(`marked ${percent}% (${position + 1} of ${indexes.length} index files)`);
  }
}

/** What was set aside stays while an index needs it: it goes once the chunk has been written anew. */
async function touchBad(store: OpenStore, digest: string, now: Date): Promise<void> {
  for (let counter = 0; counter <= 9; counter++) {
    const path = `${chunkPath(store.root, digest)}.${counter}.bad`;
    await utimes(path, now, now).catch(() => undefined);
  }
}

async function sweep(
  store: OpenStore,
  run: TaskRun,
  { usedSince, oldestWriter }: { readonly usedSince: Date; readonly oldestWriter: Date },
  counts: Counts,
): Promise<void> {
  for (const prefix of await folders(join(store.root, ".chunks"))) {
    run.signal.throwIfAborted();
    for (const name of await readdir(join(store.root, ".chunks", prefix))) {
      const bad = name.endsWith(".bad");
      // A chunk that is being written.
      if (!bad && !/^[a-f0-9]{64}$/.test(name)) continue;
      const path = join(store.root, ".chunks", prefix, name);
      const { atime, size } = await stat(path);
      if (atime < usedSince) {
        await unlink(path);
        counts[bad ? "removed-bad" : "removed-chunks"]++;
        counts["removed-bytes"] += size;
      } else if (atime < oldestWriter) {
        counts[bad ? "still-bad" : "pending-chunks"]++;
        counts["pending-bytes"] += size;
      } else {
        counts[bad ? "still-bad" : "disk-chunks"]++;
        counts["disk-bytes"] += size;
      }
    }
  }
}

async function report(counts: Counts, run: TaskRun): Promise<void> {
  await run.log(`Removed garbage: ${humanBytes(counts["removed-bytes"])}`);
  await run.log(`Removed chunks: ${counts["removed-chunks"]}`);
  if (counts["pending-bytes"] > 0) {
    await run.log(
      `Pending removals: ${humanBytes(counts["pending-bytes"])} (in ${counts["pending-chunks"]} chunks)`,
    );
  }
  if (counts["removed-bad"] > 0) await run.log(`Removed bad chunks: ${counts["removed-bad"]}`);
  if (counts["still-bad"] > 0) await run.log(`Leftover bad chunks: ${counts["still-bad"]}`);
  const { "index-data-bytes": data, "disk-bytes": disk, "disk-chunks": chunks } = counts;
  await run.log(`Original data usage: ${humanBytes(data)}`);
  if (data > 0) await run.log(`On-Disk usage: ${humanBytes(disk)} (${((100 * disk) / data).toFixed(2)}%)`);
  await run.log(`On-Disk chunks: ${chunks}`);
  await run.log(`Deduplication factor: ${(disk > 0 ? data / disk : 1).toFixed(2)}`);
  if (chunks > 0) await run.log(`Average chunk size: ${humanBytes(disk / chunks)}`);
}

/** `3.5 KiB`, as the product writes sizes. */
export function humanBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const exponent = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 2 ** (10 * exponent);
  return `${Number(value.toFixed(3))} ${units[exponent]}`;
}

function durationOf(minutes: number): string {
  const parts = [
    [Math.floor(minutes / 1440), "d"],
    [Math.floor((minutes % 1440) / 60), "h"],
    [minutes % 60, "m"],
  ] as const;
  return parts.flatMap(([count, unit]) => (count > 0 ? [`${count}${unit}`] : [])).join(" ");
}
