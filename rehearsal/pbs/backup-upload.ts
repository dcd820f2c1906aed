import { type Answer, textOf } from "../lib/https.ts";
import { type CryptMode, chunkBytes, isIndex, type Manifest, type ManifestFile, sha256 } from "./archive.ts";
import type { Connection, SnapshotId } from "./backup-connection.ts";
import { type Encryption, encryptionOf } from "./encryption.ts";

/** What an upload came to, in bytes of content. */
export interface UploadedArchive {
  readonly size: number;
  /** Was in the group's last backup, and so was not sent. */
  readonly reusedBytes: number;
}

/** A backup that is being written. It does not exist for anybody before {@link finish}. */
export interface BackupSession {
  /** @param filename ends in `.didx` or `.fidx` (kept in chunks) or `.blob` (kept in one piece, up to 16 MiB). */
  upload(filename: string, content: AsyncIterable<Uint8Array>): Promise<UploadedArchive>;
  finish(options?: { readonly notes?: string }): Promise<void>;
  /** Nothing stays behind. May be called at any time, also after a failure. */
  abort(): Promise<void>;
}

const largestBlobBytes = 16 << 20;
const uploadsAtOnce = 3;

/** A backup that is being written, chunk by chunk. */
export class Upload implements BackupSession {
  readonly #connection: Connection;
  readonly #snapshot: SnapshotId;
  readonly #path: string;
  readonly #known: Set<string>;
  readonly #encryption: Encryption | undefined;
  readonly #files: ManifestFile[] = [];
  /** The connection on which the backup began, and which keeps it. */
  readonly #held: Answer;
  #open = true;

  constructor(connection: Connection, snapshot: SnapshotId, id: string, known: Set<string>, held: Answer) {
    this.#connection = connection;
    this.#snapshot = snapshot;
    this.#path = `/sim/backup/${id}`;
    this.#known = known;
    this.#held = held;
    const { encryptionKey } = connection.target;
    this.#encryption = encryptionKey && encryptionOf(encryptionKey);
  }

  async upload(filename: string, content: AsyncIterable<Uint8Array>): Promise<UploadedArchive> {
    return isIndex(filename) ? this.#uploadChunks(filename, content) : this.#uploadBlob(filename, content);
  }

  async finish({ notes }: { readonly notes?: string } = {}): Promise<void> {
    const { type, id, time } = this.#snapshot;
    const manifest: Manifest = {
      "backup-type": type,
      "backup-id": id,
      "backup-time": time,
      files: this.#files,
      unprotected: {
        ...(this.#encryption ? { "key-fingerprint": this.#encryption.fingerprint } : {}),
        ...(notes ? { notes } : {}),
      },
    };
    const signature = this.#encryption?.sign(manifest);
    await this.#connection.data(`${this.#path}/finish`, signature ? { ...manifest, signature } : manifest);
    this.#close();
  }

  async abort(): Promise<void> {
    if (!this.#open) return;
    try {
      // The server answers when it has removed everything; a cut connection makes it do so as well.
      await textOf(await this.#connection.send("DELETE", this.#path));
    } catch {
      return;
    } finally {
      this.#close();
    }
  }

  #close(): void {
    this.#open = false;
    this.#held.body.destroy();
    this.#connection.close();
  }

  async #uploadChunks(filename: string, content: AsyncIterable<Uint8Array>): Promise<UploadedArchive> {
    const digests: string[] = [];
    const sending = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    let [size, reusedBytes] = [0, 0];
    for await (const piece of piecesOf(content)) {
      const stored = this.#encryption ? this.#encryption.seal(piece) : piece;
      const digest = sha256(stored);
      digests.push(digest);
      size += piece.length;
      if (this.#known.has(digest)) {
        reusedBytes += piece.length;
        continue;
      }
      this.#known.add(digest);
      const one = this.#connection
        .data(`${this.#path}/chunk/${digest}`, stored, "application/octet-stream")
        .then(
          () => undefined,
          (error: unknown) => {
            failure ??= { error };
          },
        )
        .finally(() => sending.delete(one));
      sending.add(one);
      if (sending.size >= uploadsAtOnce) await Promise.race(sending);
      if (failure) break;
    }
    await Promise.all(sending);
    if (failure) throw failure.error;
    const csum = await this.#connection.data(`${this.#path}/index`, { filename, size, digests });
    this.#addFile(filename, size, String(csum));
    return { size, reusedBytes };
  }

  async #uploadBlob(filename: string, content: AsyncIterable<Uint8Array>): Promise<UploadedArchive> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of content) {
      size += part.length;
      if (size > largestBlobBytes)
        throw new Error(`${filename} is larger than 16 MiB; give it a name in .didx`);
      parts.push(part);
    }
    const plain = Buffer.concat(parts);
    const stored = this.#encryption ? this.#encryption.seal(plain) : plain;
    const csum = await this.#connection.data(
      `${this.#path}/blob/${filename}`,
      stored,
      "application/octet-stream",
    );
    this.#addFile(filename, size, String(csum));
    return { size, reusedBytes: 0 };
  }

  #addFile(filename: string, size: number, csum: string): void {
    const mode: CryptMode = this.#encryption ? "encrypt" : "none";
    this.#files.push({ filename, size, csum, "crypt-mode": mode });
  }
}

/** Cuts a stream into pieces of the chunks' size, the last one shorter. */
async function* piecesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  for await (const part of content) {
    for (let offset = 0; offset < part.length; ) {
      const taken = part.subarray(offset, offset + chunkBytes - filled);
      piece.set(taken, filled);
      filled += taken.length;
      offset += taken.length;
      if (filled < chunkBytes) continue;
      yield piece;
      piece = Buffer.allocUnsafe(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
