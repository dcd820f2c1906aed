import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder, writeFileAtomic, writeJson } from "../lib/files.ts";
import { type ArchiveIndex, isIndex, type Manifest, manifestName, sha256, timeName } from "./archive.ts";
import { insertChunk, touchChunk } from "./chunks.ts";
import { humanBytes } from "./gc-work.ts";
import { type OpenStore, openStore } from "./groups.ts";
import { type Server, textOf } from "./route.ts";
import {
  listNamespaces,
  listSnapshots,
  namespaceFolder,
  removeSnapshot,
  type Snapshot,
} from "./snapshots.ts";
import type { Section } from "./state.ts";
import { type SourceSnapshot, type SyncSource, sourceOf } from "./sync-source.ts";
import type { TaskRun } from "./tasks.ts";

/** Pulls backups into a datastore. What fails is told in the log, the rest is copied; the task fails at the end. */
export async function syncStores(server: Server, job: Section, run: TaskRun): Promise<void> {
  if (job["sync-direction"] === "push") throw new Error("the simulated server does not push backups");
  const store = openStore(server, textOf(job, "store"), "write");
  const source = sourceOf(server, job);
  await new Pull(store, source, job, run).run();
}

class Pull {
  readonly #store: OpenStore;
  readonly #source: SyncSource;
  readonly #job: Section;
  readonly #run: TaskRun;
  readonly #owner: string;
  #failed = false;

  constructor(store: OpenStore, source: SyncSource, job: Section, run: TaskRun) {
    this.#store = store;
    this.#source = source;
    this.#job = job;
    this.#run = run;
    this.#owner = textOf(job, "owner") || "root@pam";
  }

  async run(): Promise<void> {
    await this.#run.log(`sync datastore '${this.#store.name}' from '${this.#source.name}'`);
    const from = textOf(this.#job, "remote-ns");
    const to = textOf(this.#job, "ns");
    const depth = typeof this.#job["max-depth"] === "number" ? this.#job["max-depth"] : 7;
    const mapped = new Set<string>();
    for (const ns of await this.#source.namespaces(from, depth)) {
      const target = [to, from === "" ? ns : ns.slice(from.length + 1)].filter(Boolean).join("/");
      mapped.add(target);
      await mkdir(namespaceFolder(this.#store.root, target), { recursive: true });
      await this.#namespace(ns, target);
    }
    if (this.#job["remove-vanished"] === true) await this.#removeNamespaces(to, depth, mapped);
    if (this.#failed) throw new Error("sync failed with some errors.");
  }

  async #namespace(from: string, to: string): Promise<void> {
    const all = await this.#source.snapshots(from);
    const groups = [...Map.groupBy(all, ({ type, id }) => `${type}/${id}`)];
    const wanted = groups.filter(([group]) => isWanted(group, this.#job["group-filter"]));
    await this.#run.log(`found ${wanted.length} groups to sync (out of ${groups.length} total)`);
    const here = Map.groupBy(await listSnapshots(this.#store.root, to), ({ type, id }) => `${type}/${id}`);
    for (const [group, snapshots] of wanted) {
      try {
        await this.#group(from, to, group, snapshots, here.get(group) ?? []);
      } catch (error) {
        this.#run.signal.throwIfAborted();
        this.#failed = true;
        await this.#run.log(`sync group ${group} failed - ${error instanceof Error ? error.message : error}`);
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
      if (this.#job["verified-only"] === true && !snapshot.verified) {
        await this.#run.log(`snapshot ${name} not verified but verified-only set, skip`);
      } else if (this.#job["encrypted-only"] === true && !snapshot.encrypted) {
        await this.#run.log(`snapshot ${name} not encrypted but encrypted-only set, skip`);
      } else {
        await this.#run.log(`sync snapshot ${name}`);
        await this.#snapshot(from, snapshot, join(folder, timeName(snapshot.time)));
        await this.#run.log(`sync snapshot ${name} done`);
      }
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

  async #removeNamespaces(to: string, depth: number, mapped: ReadonlySet<string>): Promise<void> {
    for (const ns of await listNamespaces(this.#store.root, to, depth)) {
      if (mapped.has(ns)) continue;
      const snapshots = await listSnapshots(this.#store.root, ns);
      await this.#removeVanished(snapshots.filter(({ owner }) => owner === this.#owner));
    }
  }
}

/** Whether the filters let a group through: one that includes it, or none that includes at all; none that excludes it. */
function isWanted(group: string, filters: unknown): boolean {
  const list = Array.isArray(filters) ? filters.map(String) : [];
  const matches = (filter: string) => {
    const [, kind, value = ""] = /^(?:(?:in|ex)clude:)?(type|group|regex):(.*)$/.exec(filter) ?? [];
    if (kind === "type") return group.startsWith(`${value}/`);
    return kind === "group" ? group === value : new RegExp(value).test(group);
  };
  const excluding = list.filter((filter) => filter.startsWith("exclude:"));
  const including = list.filter((filter) => !filter.startsWith("exclude:"));
  return (including.length === 0 || including.some(matches)) && !excluding.some(matches);
}
