import { readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../lib/files.ts";
import { type ArchiveIndex, isIndex, type ManifestFile, sha256, timeName } from "./archive.ts";
import { chunkPath, DamagedChunk, readChunk } from "./chunks.ts";
import { type OpenStore, owns } from "./groups.ts";
import { groupsOf } from "./prune-work.ts";
import {
  changeUnprotected,
  findSnapshot,
  listNamespaces,
  listSnapshots,
  type Snapshot,
} from "./snapshots.ts";
import { startOf, type TaskRun } from "./tasks.ts";

/** What to verify of a datastore. */
export interface VerifyWork {
  readonly ns: string;
  readonly maxDepth: number;
  /** Only this group; all where undefined. */
  readonly group?: { readonly type: string; readonly id: string } | undefined;
  /** Only this backup of the group, in seconds since 1970. */
  readonly time?: number | undefined;
  /** Leaves out what has been verified, whatever came out. */
  readonly ignoreVerified: boolean;
  /** Verifies it again after so many days. */
  readonly outdatedAfterDays?: number | undefined;
  /** Only groups that this user owns; all where undefined. */
  readonly owner?: string | undefined;
}

/** Reads every chunk of the backups and records in their manifests what came out. Fails where one is damaged. */
export async function verifyStore(
  store: OpenStore,
  work: VerifyWork,
  run: TaskRun,
  now: Date,
): Promise<void> {
  const verifier = new Verifier(store, work, run, now);
  const failed: string[] = [];
  await run.log(`verify datastore ${store.name}`);
  for (const ns of await listNamespaces(store.root, work.ns, work.group ? 0 : work.maxDepth)) {
    const groups = [...groupsOf(await listSnapshots(store.root, ns))].filter(
      ([name, snapshots]) =>
        (!work.group || name === `${work.group.type}/${work.group.id}`) &&
        (work.owner === undefined || owns(snapshots[0]?.owner, work.owner)),
    );
    await run.log(`found ${groups.length} groups`);
    for (const [position, [name, snapshots]] of groups.entries()) {
      const wanted = snapshots.filter(({ time }) => (work.time ?? time) === time);
      await run.log(`verify group ${store.name}:${name} (${wanted.length} snapshots)`);
      for (const snapshot of wanted) {
        if (!(await verifier.verify(ns, snapshot))) failed.push(`${name}/${timeName(snapshot.time)}`);
      }
      const done = ((100 * (position + 1)) / groups.length).toFixed(2);
      await run.log(`percentage done: ${done}% (${position + 1}/${groups.length} groups)`);
    }
  }
  if (failed.length === 0) return;
  await run.log("Failed to verify the following snapshots/groups:");
  for (const name of failed) await run.log(`\t${name}`);
  throw new Error("verification failed - please check the log for details");
}

class Verifier {
  readonly #store: OpenStore;
  readonly #work: VerifyWork;
  readonly #run: TaskRun;
  readonly #now: Date;
  /** A chunk is read once, however many backups use it. */
  readonly #good = new Set<string>();
  readonly #bad = new Set<string>();

  constructor(store: OpenStore, work: VerifyWork, run: TaskRun, now: Date) {
    this.#store = store;
    this.#work = work;
    this.#run = run;
    this.#now = now;
  }

  /** Whether the backup is as it was written; one that is left out counts as such. */
  async verify(ns: string, snapshot: Snapshot): Promise<boolean> {
    const name = `${this.#store.name}:${snapshot.type}/${snapshot.id}/${timeName(snapshot.time)}`;
    // Another task may have removed it since it was listed.
    if (!(await findSnapshot(this.#store.root, ns, snapshot))) return true;
    if (!snapshot.manifest) {
      await this.#run.log(`verify ${name} - manifest load error: unable to parse manifest`);
      return false;
    }
    if (!this.#isDue(snapshot)) {
      await this.#run.log(`SKIPPED: verify ${name} (recently verified)`);
      return true;
    }
    await this.#run.log(`verify ${name}`);
    let state: "ok" | "failed" = "ok";
    for (const file of snapshot.manifest.files) {
      await this.#run.log(`  check ${file.filename}`);
      try {
        await this.#check(snapshot, file);
      } catch (error) {
        this.#run.signal.throwIfAborted();
        state = "failed";
        await this.#run.log(`verify ${name}/${file.filename} failed: ${messageOf(error)}`);
      }
    }
    if (!(await findSnapshot(this.#store.root, ns, snapshot))) return true;
    const verify_state = { state, upid: this.#run.upid };
    await changeUnprotected(snapshot, (unprotected) => ({ ...unprotected, verify_state }));
    return state === "ok";
  }

  #isDue({ manifest }: Snapshot): boolean {
    const last = manifest?.unprotected?.verify_state;
    const { ignoreVerified, outdatedAfterDays } = this.#work;
    if (!ignoreVerified || !last) return true;
    if (outdatedAfterDays === undefined) return false;
    const days = (this.#now.getTime() / 1000 - startOf(last.upid)) / 86_400;
    return outdatedAfterDays === 0 || days > outdatedAfterDays;
  }

  async #check(snapshot: Snapshot, file: ManifestFile): Promise<void> {
    const content = await readFile(join(snapshot.folder, file.filename));
    if (!isIndex(file.filename)) {
      if (sha256(content) !== file.csum) throw new Error("wrong index checksum");
      return;
    }
    const index = JSON.parse(content.toString("utf8")) as ArchiveIndex;
    if (index.size !== file.size) throw new Error(`wrong size (${file.size} != ${index.size})`);
    if (sha256(content) !== file.csum) throw new Error("wrong index checksum");
    await this.#checkChunks(index);
  }

  async #checkChunks({ digests, size }: ArchiveIndex): Promise<void> {
    const begun = performance.now();
    let [errors, readBytes] = [0, 0];
    for (const digest of digests) {
      this.#run.signal.throwIfAborted();
      if (this.#good.has(digest)) continue;
      if (this.#bad.has(digest)) {
        await this.#run.log(`chunk ${digest} was marked as corrupt`);
        errors++;
        continue;
      }
      try {
        readBytes += (await readChunk(this.#store.root, digest)).length;
        this.#good.add(digest);
      } catch (error) {
        if (!(error instanceof DamagedChunk)) throw error;
        errors++;
        this.#bad.add(digest);
        await this.#run.log(`can't verify chunk, load failed - ${error.message}`);
        await this.#setAside(digest);
      }
    }
    const seconds = Math.max((performance.now() - begun) / 1000, 0.001);
    const [read, decoded] = [readBytes, size].map((bytes) => bytes / (1 << 20)) as [number, number];
    const speeds = [read, decoded].map((mebibytes) => (mebibytes / seconds).toFixed(2)).join("/");
    await this.#run.log(
      `  verified ${read.toFixed(2)}/${decoded.toFixed(2)} MiB in ${seconds.toFixed(2)} seconds, speed ${speeds} MiB/s (${errors} errors)`,
    );
    if (errors > 0) throw new Error("chunks could not be verified");
  }

  /** Under another name, so that the next backup sends the chunk anew. */
  async #setAside(digest: string): Promise<void> {
    const path = chunkPath(this.#store.root, digest);
    for (let counter = 0; counter <= 9; counter++) {
      const aside = `${path}.${counter}.bad`;
      if (counter < 9 && (await isThere(aside))) continue;
      try {
        await rename(path, aside);
        await this.#run.log(`corrupted chunk renamed to "${aside}"`);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      return;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return isMissing(error)
    ? "unable to open file - No such file or directory"
    : error instanceof Error
      ? error.message
      : String(error);
}
