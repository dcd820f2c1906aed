import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder, writeFileAtomic, writeJson } from "../lib/files.ts";
import { type ArchiveIndex, isIndex, type Manifest, manifestName, sha256, timeName } from "./archive.ts";
import { insertChunk, touchChunk } from "./chunks.ts";
import { humanBytes } from "./gc-work.ts";
import type { OpenStore } from "./groups.ts";
import { removeNamespace, requireParentModify } from "./namespaces.ts";
import { groupsOf } from "./prune-work.ts";
import type { TransferLimits } from "./rate-limit.ts";
import { type Server, textOf } from "./route.ts";
import {
  listNamespaces,
  listSnapshots,
  namespaceExists,
  namespaceFolder,
  removeSnapshot,
  type Snapshot,
} from "./snapshots.ts";
import type { Section } from "./state.ts";
import { depthOf, isWanted, localUser, mapNamespace, skipReason } from "./sync-filter.ts";
import type { SourceSnapshot, SyncSource } from "./sync-source.ts";
import type { TaskRun } from "./tasks.ts";

export interface PullWork {
  readonly server: Server;
  readonly store: OpenStore;
  readonly source: SyncSource;
  readonly job: Section;
  readonly run: TaskRun;
  readonly limits: TransferLimits;
}

/** Copies backups into a datastore of this server. */
export class Pull {
  readonly #work: PullWork;
  readonly #store: OpenStore;
  readonly #source: SyncSource;
  readonly #job: Section;
  readonly #run: TaskRun;
  readonly #owner: string;
  #failed = false;

  constructor(work: PullWork) {
    this.#work = work;
    this.#store = work.store;
    this.#source = work.source;
    this.#job = work.job;
    this.#run = work.run;
    this.#owner = localUser(work.job);
  }

  async run(): Promise<void> {
    await this.#run.log(`sync datastore '${this.#store.name}' from '${this.#source.name}'`);
    const from = textOf(this.#job, "remote-ns");
    const to = textOf(this.#job, "ns");
    const depth = depthOf(this.#job);
    const mapped = new Set<string>();
    for (const ns of await this.#source.namespaces(from, depth)) {
      const target = mapNamespace(ns, from, to);
      mapped.add(target);
      if (await this.#makeNamespace(target)) await this.#namespace(ns, target);
    }
    if (this.#job["remove-vanished"] === true) await this.#removeNamespaces(to, depth, mapped);
    if (this.#failed) throw new Error("sync failed with some errors.");
  }

  async #makeNamespace(ns: string): Promise<boolean> {
    if (await namespaceExists(this.#store.root, ns)) return true;
    try {
      requireParentModify(this.#work.server, this.#store.name, ns, this.#owner);
    } catch (error) {
      await this.#fail(`Cannot sync into ${ns} - Creating it not allowed - ${messageOf(error)}`);
      return false;
    }
    await mkdir(namespaceFolder(this.#store.root, ns), { recursive: true });
    await this.#run.log(`Created namespace ${ns}`);
    return true;
  }

  async #namespace(from: string, to: string): Promise<void> {
    const groups = [...groupsOf(await this.#source.snapshots(from))];
    const wanted = groups.filter(([group]) => isWanted(group, this.#job["group-filter"]));
    await this.#run.log(`found ${wanted.length} groups to sync (out of ${groups.length} total)`);
    const here = groupsOf(await listSnapshots(this.#store.root, to));
    for (const [group, snapshots] of wanted) {
      try {
        await this.#group(from, to, group, snapshots, here.get(group) ?? []);
      } catch (error) {
        this.#run.signal.throwIfAborted();
        await this.#fail(`sync group ${group} failed - ${messageOf(error)}`);
      }
    }
    if (this.#job["remove-vanished"] !== true) return;
    for (const [group, snapshots] of here) {
      const owned = snapshots[0]?.owner === this.#owner && isWanted(group, this.#job["group-filter"]);
      const left = new Set(wanted.find(([name]) => name === group)?.[1].map(({ time }) => time));
      if (owned) await this.#removeVanished(snapshots.filter(({ time }) => !left.has(time)));
    }
  }

  async #group(
    from: string,
    to: string,
    group: string,
    snapshots: readonly SourceSnapshot[],
    here: readonly Snapshot[],
  ): Promise<void> {
    const owner = here[0]?.owner ?? this.#owner;
    if (owner !== this.#owner) throw new Error(`owner check failed (${this.#owner} != ${owner})`);
    const folder = join(namespaceFolder(this.#store.root, to), group);
    if (here.length === 0) await writeFileAtomic(join(folder, "owner"), `${owner}\n`);
    const known = new Map(here.map((snapshot) => [snapshot.time, snapshot]));
    const newest = here[0]?.time ?? 0;
    const last = Number(this.#job["transfer-last"] ?? snapshots.length);
    const oldestFirst = snapshots.toSorted((a, b) => a.time - b.time);
    for (const [position, snapshot] of oldestFirst.entries()) {
      this.#run.signal.throwIfAborted();
      const name = `${group}/${timeName(snapshot.time)}`;
      const local = known.get(snapshot.time);
      const corrupt = local?.manifest?.unprotected?.verify_state?.state === "failed";
      const again = this.#job["resync-corrupt"] === true && corrupt;
      if (!again && (local || snapshot.time < newest || position < oldestFirst.length - last)) continue;
      const skipped = skipReason(this.#job, snapshot);
      if (skipped !== undefined) {
        await this.#run.log(`snapshot ${name} ${skipped}, skip`);
        continue;
      }
      await this.#run.log(`sync snapshot ${name}`);
      await this.#snapshot(from, snapshot, join(folder, timeName(snapshot.time)));
      await this.#run.log(`sync snapshot ${name} done`);
    }
  }

  /** Into a hidden folder first, so that a backup appears whole or not at all. */
  async #snapshot(ns: string, snapshot: SourceSnapshot, final: string): Promise<void> {
    const folder = join(dirname(final), `.${randomUUID()}.tmp`);
    await mkdir(folder, { recursive: true });
    try {
      const text = (await this.#source.file(ns, snapshot, manifestName)).toString("utf8");
      const manifest = JSON.parse(text) as Manifest;
      for (const { filename, csum } of manifest.files) {
        await this.#run.log(`sync archive ${filename}`);
        const content = await this.#source.file(ns, snapshot, filename);
        if (sha256(content) !== csum) throw new Error(`${filename}: wrong index checksum`);
        if (isIndex(filename)) await this.#chunks(ns, snapshot, filename, content);
        await writeFileAtomic(join(folder, filename), content);
      }
      // What was verified there has not been verified here.
      const { verify_state: _verified, ...unprotected } = manifest.unprotected;
      await writeJson(join(folder, manifestName), { ...manifest, unprotected });
      await syncFolder(folder);
      await rm(final, { recursive: true, force: true });
      await rename(folder, final);
      await syncFolder(dirname(final));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #chunks(ns: string, snapshot: SourceSnapshot, filename: string, index: Buffer): Promise<void> {
    const { digests } = JSON.parse(index.toString("utf8")) as ArchiveIndex;
    const missing: string[] = [];
    for (const digest of new Set(digests)) {
      if (!(await touchChunk(this.#store.root, digest))) missing.push(digest);
    }
    let [position, bytes] = [0, 0];
    for await (const chunk of this.#source.chunks(ns, snapshot, filename, missing)) {
      this.#run.signal.throwIfAborted();
      await this.#work.limits.in?.take(chunk.length, this.#run.signal);
      await insertChunk(this.#store.root, missing[position++] ?? "", chunk);
      bytes += chunk.length;
    }
    await this.#run.log(`downloaded ${humanBytes(bytes)}`);
  }

  async #removeVanished(vanished: readonly Snapshot[]): Promise<void> {
    for (const snapshot of vanished) {
      const name = `${snapshot.type}/${snapshot.id}/${timeName(snapshot.time)}`;
      if (snapshot.protected) await this.#run.log(`don't delete vanished snapshot ${name} (protected)`);
      else {
        await this.#run.log(`delete vanished snapshot ${name}`);
        await removeSnapshot(snapshot);
      }
    }
  }

  /** With everything in them, whoever owns it; those below first. */
  async #removeNamespaces(to: string, depth: number, mapped: ReadonlySet<string>): Promise<void> {
    const here = await listNamespaces(this.#store.root, to, depth);
    for (const ns of here.filter((name) => name !== to && !mapped.has(name)).toReversed()) {
      try {
        requireParentModify(this.#work.server, this.#store.name, ns, this.#owner);
        const removed = await removeNamespace(this.#store.root, ns, true);
        await this.#run.log(
          removed ? `Removed namespace ${ns}` : `Did not remove namespace ${ns} - protected snapshots remain`,
        );
      } catch (error) {
        await this.#fail(`Failed to remove namespace ${ns} - ${messageOf(error)}`);
      }
    }
  }

  async #fail(text: string): Promise<void> {
    this.#failed = true;
    await this.#run.log(text);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
