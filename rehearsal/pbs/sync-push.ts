import { type ArchiveIndex, isIndex, type Manifest, manifestName, sha256, timeName } from "./archive.ts";
import { humanBytes } from "./gc-work.ts";
import type { Privilege } from "./permissions.ts";
import { groupsOf } from "./prune-work.ts";
import type { TransferLimits } from "./rate-limit.ts";
import { remoteAclPath, type Server, textOf } from "./route.ts";
import type { Section } from "./state.ts";
import { depthOf, isWanted, localUser, mapNamespace, skipReason } from "./sync-filter.ts";
import type { SourceSnapshot, SyncSource } from "./sync-source.ts";
import type { PushTarget, PushUpload } from "./sync-target.ts";
import type { TaskRun } from "./tasks.ts";

export interface PushWork {
  readonly server: Server;
  readonly source: SyncSource;
  readonly target: PushTarget;
  readonly job: Section;
  readonly run: TaskRun;
  readonly limits: TransferLimits;
}

/**
 * Copies backups of this server to another one. What it may do there is limited twice: by the rights that the job's
 * owner has on the remote here, and by those of the user that the remote logs in as.
 */
export class Push {
  readonly #work: PushWork;
  readonly #source: SyncSource;
  readonly #target: PushTarget;
  readonly #job: Section;
  readonly #run: TaskRun;
  #failed = false;

  constructor(work: PushWork) {
    this.#work = work;
    this.#source = work.source;
    this.#target = work.target;
    this.#job = work.job;
    this.#run = work.run;
  }

  async run(): Promise<void> {
    await this.#run.log(`sync datastore '${this.#source.name}' to '${this.#target.name}'`);
    const from = textOf(this.#job, "ns");
    const to = textOf(this.#job, "remote-ns");
    const depth = depthOf(this.#job);
    const there = new Set(await this.#target.namespaces());
    const mapped = new Set<string>();
    for (const ns of await this.#source.namespaces(from, depth)) {
      const target = mapNamespace(ns, from, to);
      mapped.add(target);
      await this.#run.log(`Syncing ${nameOf(ns)} into ${nameOf(target)}`);
      await this.#attempt(`Failed to sync ${nameOf(ns)} into ${nameOf(target)}`, async () => {
        await this.#makeNamespace(target, there);
        await this.#namespace(ns, target);
      });
    }
    if (this.#job["remove-vanished"] === true) {
      const below = [...there].filter((ns) => levelsBelow(ns, to) <= depth && !mapped.has(ns));
      await this.#removeNamespaces(below);
    }
    if (this.#failed) throw new Error("sync failed with some errors.");
  }

  async #makeNamespace(ns: string, there: Set<string>): Promise<void> {
    if (ns === "" || there.has(ns)) return;
    this.#require(ns, "Remote.DatastoreModify", "Creating namespace not allowed");
    const levels = ns.split("/");
    for (const depth of levels.keys()) {
      const level = levels.slice(0, depth + 1).join("/");
      if (there.has(level)) continue;
      try {
        await this.#target.createNamespace(level);
      } catch (error) {
        throw new Error(`Remote creation of namespace ${level} failed, remote returned: ${messageOf(error)}`);
      }
      there.add(level);
      await this.#run.log(`Created new namespace on target: ${level}`);
    }
  }

  async #namespace(from: string, to: string): Promise<void> {
    this.#require(to, "Remote.DatastoreBackup", "Pushing to remote not allowed");
    const groups = [...groupsOf(await this.#source.snapshots(from))];
    const wanted = groups.filter(([group]) => isWanted(group, this.#job["group-filter"]));
    await this.#run.log(`found ${wanted.length} groups to sync (out of ${groups.length} total)`);
    const there = new Map((await this.#target.groups(to)).map(({ name, owner }) => [name, owner]));
    for (const [group, snapshots] of wanted) {
      if (there.has(group) && there.get(group) !== this.#target.user) {
        await this.#run.warn(
          `group '${group}' not owned by remote user '${this.#target.user}' on target, skip`,
        );
        continue;
      }
      await this.#attempt(`sync group '${group}' failed`, () => this.#group(from, to, group, snapshots));
    }
    if (this.#job["remove-vanished"] !== true) return;
    const pushed = new Set(wanted.map(([group]) => group));
    for (const [group, owner] of there) {
      const mine = owner === this.#target.user && isWanted(group, this.#job["group-filter"]);
      if (!mine || pushed.has(group)) continue;
      await this.#run.log(`delete vanished group '${group}'`);
      await this.#attempt("failed to delete vanished group", async () => {
        this.#require(to, "Remote.DatastorePrune", "Pruning remote datastore contents not allowed");
        const kept = await this.#target.removeGroup(to, group);
        if (kept > 0) await this.#run.warn(`kept ${kept} protected snapshots of group '${group}'`);
      });
    }
  }

  async #group(from: string, to: string, group: string, snapshots: readonly SourceSnapshot[]): Promise<void> {
    const there = await this.#target.snapshots(to, group);
    const newest = Math.max(Number.NEGATIVE_INFINITY, ...there.map(({ time }) => time));
    const last = Number(this.#job["transfer-last"] ?? snapshots.length);
    const oldestFirst = snapshots.toSorted((a, b) => a.time - b.time);
    for (const [position, snapshot] of oldestFirst.entries()) {
      this.#run.signal.throwIfAborted();
      if (snapshot.time <= newest || position < oldestFirst.length - last) continue;
      const name = `${group}/${timeName(snapshot.time)}`;
      const skipped = skipReason(this.#job, snapshot);
      if (skipped !== undefined) {
        await this.#run.log(`snapshot ${name} ${skipped}, skip`);
        continue;
      }
      await this.#run.log(`sync snapshot ${name}`);
      await this.#snapshot(from, to, snapshot);
      await this.#run.log(`sync snapshot ${name} done`);
    }
    if (this.#job["remove-vanished"] !== true) return;
    const left = new Set(snapshots.map(({ time }) => time));
    for (const { time, protected: isProtected } of there.filter((one) => !left.has(one.time))) {
      const name = `${group}/${timeName(time)}`;
      if (isProtected) {
        await this.#run.log(`don't delete vanished snapshot ${name} (protected)`);
        continue;
      }
      try {
        this.#require(to, "Remote.DatastorePrune", "Pruning remote datastore contents not allowed");
        await this.#target.removeSnapshot(to, group, time);
        await this.#run.log(`delete vanished snapshot ${name}`);
      } catch (error) {
        await this.#run.log(`could not delete vanished snapshot ${name} - ${messageOf(error)}`);
      }
    }
  }

  async #snapshot(from: string, to: string, snapshot: SourceSnapshot): Promise<void> {
    let manifest: Manifest;
    try {
      manifest = JSON.parse((await this.#source.file(from, snapshot, manifestName)).toString("utf8"));
    } catch (error) {
      return await this.#run.warn(`failed to load manifest - ${messageOf(error)}`);
    }
    const upload = await this.#target.begin(to, snapshot);
    try {
      for (const { filename, csum } of manifest.files) {
        await this.#run.log(`sync archive ${filename}`);
        const content = await this.#source.file(from, snapshot, filename);
        if (sha256(content) !== csum) throw new Error(`${filename}: wrong index checksum`);
        if (isIndex(filename)) await this.#archive(upload, from, snapshot, filename, content);
        else await upload.blob(filename, content);
      }
      // What was verified here has not been verified there.
      const { verify_state: _verified, ...unprotected } = manifest.unprotected;
      await upload.finish({ ...manifest, unprotected });
    } finally {
      await upload.abort();
    }
  }

  async #archive(
    upload: PushUpload,
    from: string,
    snapshot: SourceSnapshot,
    filename: string,
    content: Buffer,
  ): Promise<void> {
    const index = JSON.parse(content.toString("utf8")) as ArchiveIndex;
    const missing = [...new Set(index.digests)].filter((digest) => !upload.known.has(digest));
    let [position, bytes] = [0, 0];
    for await (const chunk of this.#source.chunks(from, snapshot, filename, missing)) {
      this.#run.signal.throwIfAborted();
      await this.#work.limits.out?.take(chunk.length, this.#run.signal);
      await upload.chunk(missing[position++] ?? "", chunk);
      bytes += chunk.length;
    }
    await upload.index(filename, index);
    await this.#run.log(`uploaded ${humanBytes(bytes)}`);
  }

  async #removeNamespaces(vanished: readonly string[]): Promise<void> {
    for (const ns of vanished.toSorted((a, b) => b.split("/").length - a.split("/").length)) {
      try {
        if (ns === "") throw new Error("cannot remove root namespace from target");
        this.#require(ns, "Remote.DatastoreModify", "Pruning remote datastore namespaces not allowed");
        await this.#target.removeNamespace(ns);
        await this.#run.log(`removed vanished namespace ${ns}`);
      } catch (error) {
        await this.#run.warn(`failed to remove vanished namespace ${ns} - ${messageOf(error)}`);
      }
    }
  }

  /** @throws Error where the job's owner lacks the right on a namespace of the remote */
  #require(ns: string, privilege: Privilege, refusal: string): void {
    try {
      this.#work.server.access.require(localUser(this.#job), remoteAclPath(this.#job, ns), [privilege]);
    } catch (error) {
      throw new Error(`${refusal} - ${messageOf(error)}`);
    }
  }

  /** What fails is told, and the rest goes on. */
  async #attempt(failure: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#run.signal.throwIfAborted();
      this.#failed = true;
      await this.#run.warn(`${failure} - ${messageOf(error)}`);
    }
  }
}

/** How far a namespace lies below another one; infinitely where it does not. */
function levelsBelow(ns: string, above: string): number {
  if (ns === above) return 0;
  if (above !== "" && !ns.startsWith(`${above}/`)) return Number.POSITIVE_INFINITY;
  return mapNamespace(ns, above, "").split("/").length;
}

function nameOf(ns: string): string {
  return ns === "" ? "root namespace" : `namespace ${ns}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
