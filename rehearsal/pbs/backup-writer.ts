import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder, writeFileAtomic, writeJson } from "../lib/files.ts";
import {
  type ArchiveIndex,
  chunkBytes,
  isIndex,
  type Manifest,
  manifestName,
  type SnapshotKey,
  sha256,
  snapshotName,
  timeName,
} from "./archive.ts";
import { insertChunk, touchChunk } from "./chunks.ts";
import { ApiError, diskReason } from "./errors.ts";
import type { OpenStore } from "./groups.ts";
import { namespaceFolder, readIndex, type Snapshot } from "./snapshots.ts";

/** What a client asks for when it begins a backup. */
export interface BackupRequest extends SnapshotKey {
  readonly store: string;
  readonly ns: string;
}

/**
 * A backup while it is written, into a hidden folder beside its final one. It ends with {@link finish}, or leaves
 * nothing behind (but chunks, which the next garbage collection removes).
 */
export class BackupWriter {
  readonly id = randomUUID();
  readonly request: BackupRequest;
  readonly store: OpenStore;
  readonly #folder: string;
  readonly #final: string;
  /** Chunks that an index may name: those of the last backup, and those that were sent. */
  readonly #known = new Set<string>();
  readonly #written = new Map<string, string>();
  readonly #log: (text: string) => Promise<void>;

  constructor(request: BackupRequest, store: OpenStore, log: (text: string) => Promise<void>) {
    const group = join(namespaceFolder(store.root, request.ns), request["backup-type"], request["backup-id"]);
    this.request = request;
    this.store = store;
    this.#final = join(group, timeName(request["backup-time"]));
    this.#folder = join(group, `.${this.id}.tmp`);
    this.#log = log;
  }

  async begin(): Promise<void> {
    await this.#stored("unable to create backup directory", () => mkdir(this.#folder, { recursive: true }));
    await this.#log(`starting new backup on datastore '${this.store.name}': "${snapshotName(this.request)}"`);
  }

  /** The chunks of the group's last backup, which need not be sent again. */
  async registerPrevious(last: Snapshot | undefined): Promise<string[]> {
    for (const { filename } of last?.files ?? []) {
      if (!last || !isIndex(filename)) continue;
      await this.#log(`register chunks in '${filename}' from previous backup.`);
      const index = await readIndex(last, filename).catch(() => undefined);
      for (const digest of index?.digests ?? []) {
        // One that a garbage collection or an accident took is asked for again.
        if (!this.#known.has(digest) && (await touchChunk(this.store.root, digest))) this.#known.add(digest);
      }
    }
    return [...this.#known];
  }

  async addChunk(digest: string, content: Buffer): Promise<void> {
    if (sha256(content) !== digest) throw new ApiError(400, `digest mismatch of chunk ${digest}`);
    await this.#stored(`inserting chunk on store '${this.store.name}' failed for ${digest}`, () =>
      insertChunk(this.store.root, digest, content),
    );
    this.#known.add(digest);
  }

  async addIndex(filename: string, index: ArchiveIndex): Promise<string> {
    this.#requireNew(filename, isIndex(filename));
    const unknown = index.digests.find((digest) => !this.#known.has(digest));
    if (unknown) throw new ApiError(400, `no such chunk ${unknown}`);
    if (index.digests.length !== Math.ceil(index.size / chunkBytes)) {
      throw new ApiError(400, `${filename} has ${index.digests.length} chunks for ${index.size} bytes`);
    }
    const text = JSON.stringify({ size: index.size, digests: index.digests });
    await this.#stored(`writing '${filename}' failed`, () =>
      writeFileAtomic(join(this.#folder, filename), text),
    );
    const csum = sha256(text);
    this.#written.set(filename, csum);
    await this.#log(`Upload statistics for '${filename}'`);
    await this.#log(`Checksum: ${csum}`);
    await this.#log(`Size: ${index.size}`);
    await this.#log(`Chunk count: ${index.digests.length}`);
    return csum;
  }

  async addBlob(filename: string, content: Buffer): Promise<string> {
    this.#requireNew(filename, filename.endsWith(".blob") && filename !== manifestName);
    await this.#stored(`writing '${filename}' failed`, () =>
      writeFileAtomic(join(this.#folder, filename), content),
    );
    const csum = sha256(content);
    this.#written.set(filename, csum);
    await this.#log(
      `add blob "${snapshotName(this.request)}/${filename}" (${content.length} bytes, comp: ${content.length})`,
    );
    return csum;
  }

  /** From here on the backup exists. */
  async finish(manifest: Manifest): Promise<void> {
    const listed = new Map(manifest.files.map(({ filename, csum }) => [filename, csum]));
    if (this.#written.size === 0) throw new ApiError(400, "backup contains no data (file count == 0)");
    const wrong = [...new Set([...listed.keys(), ...this.#written.keys()])].find(
      (filename) => listed.get(filename) !== this.#written.get(filename),
    );
    if (wrong !== undefined) throw new ApiError(400, `the manifest does not fit '${wrong}'`);
    await this.#stored("unable to update manifest blob", () =>
      writeJson(join(this.#folder, manifestName), manifest),
    );
    await syncFolder(this.#folder);
    await rename(this.#folder, this.#final);
    await syncFolder(dirname(this.#final));
    await this.#log("successfully finished backup");
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Writes, and tells both the client and the task's log what the disk refused. */
  async #stored(failure: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const text = `${failure} - ${diskReason(error)}`;
      await this.#log(text);
      throw new ApiError(400, text);
    }
  }

  #requireNew(filename: string, kindFits: boolean): void {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(filename) || !kindFits) {
      throw new ApiError(400, `wrong archive extension: '${filename}'`);
    }
    if (this.#written.has(filename)) throw new ApiError(400, `file '${filename}' already exists`);
  }
}
