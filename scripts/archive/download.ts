import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { Store } from "./client.ts";
import { filesWithin } from "./layout.ts";
import type { ArchivedObject, Extent } from "./offsite.ts";

/**
 * Reads an object from its first byte to its last, in order; after a cut connection from where it was cut, up to three
 * times without progress. What `consume` fails with ends it.
 */
export async function readStream(
  { client, bucket }: Store,
  { key, versionId, sizeBytes }: ArchivedObject,
  signal: AbortSignal,
  consume: (at: number, chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  let at = 0;
  let fruitless = 0;
  while (at < sizeBytes) {
    const before = at;
    const lost: unknown[] = [];
    const get = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(versionId === null ? {} : { VersionId: versionId }),
      ...(at === 0 ? {} : { Range: `bytes=${at}-` }),
    });
    const { Body } = await client.send(get, { abortSignal: signal });
    if (!(Body instanceof Readable)) throw new Error(`${key} was answered without a content`);
    const chunks = Body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        signal.throwIfAborted();
        lost.push(error);
        return { done: true as const, value: undefined };
      });
      if (next.done === true) break;
      try {
        await consume(at, next.value);
      } catch (error) {
        Body.destroy();
        throw error;
      }
      at += next.value.length;
    }
    fruitless = at === before ? fruitless + 1 : 0;
    if (fruitless === 3) throw lost[0] ?? new Error(`${key} ends after ${at} of ${sizeBytes} bytes`);
  }
  if (at > sizeBytes) throw new Error(`${key} has more than ${sizeBytes} bytes`);
}

/** Downloads an object into the files that it holds, which must be there; what is written is on the disk in the end. */
export async function downloadObject(
  reader: Store,
  object: ArchivedObject,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const files = new OneOpenFile(folder);
  try {
    await readStream(reader, object, signal, (at, chunk) => writeExtents(files, object.extents, at, chunk));
  } finally {
    await files.close();
  }
}

async function writeExtents(
  files: OneOpenFile,
  extents: readonly Extent[],
  at: number,
  chunk: Uint8Array,
): Promise<void> {
  for (const { file, offset, from, to } of filesWithin(extents, at, at + chunk.length)) {
    const handle = await files.get(file);
    for (let done = 0; done < to - from; ) {
      const { bytesWritten } = await handle.write(chunk, from + done, to - from - done, offset + done);
      done += bytesWritten;
    }
  }
}

/** Bytes come file by file: one open file is enough. */
class OneOpenFile {
  private readonly folder: string;
  private current: { file: string; handle: FileHandle } | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  async get(file: string): Promise<FileHandle> {
    if (this.current?.file === file) return this.current.handle;
    await this.close();
    this.current = { file, handle: await open(join(this.folder, file), "r+") };
    return this.current.handle;
  }

  async close(): Promise<void> {
    const handle = this.current?.handle;
    this.current = undefined;
    if (handle === undefined) return;
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
