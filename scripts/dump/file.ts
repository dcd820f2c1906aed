import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { RunFile } from "../runs/manifest.ts";
import { type PipelineOptions, runPipeline, type Stage } from "../system/child.ts";

/** Bytes after which what was written so far is sent to the disk, so that the last fsync has little left to do. */
const flushBytes = 64 * 1024 ** 2;

/** What the first bytes of a dump are looked at for: the largest block of zstd, compressed, fits. */
const headBytes = 160 * 1024;

/** Bytes that are read back at a time. */
const chunkBytes = 1024 ** 2;

/** How long to wait for more when everything that was written is read. */
const pollMilliseconds = 50;

/** How a file is written. */
export interface WriteOptions extends Pick<PipelineOptions, "signal" | "input"> {
  /** Looks at the beginning of what was written; throws where it cannot be the beginning of the right thing. */
  check?: (head: Buffer, sizeBytes: number) => Promise<void>;
  /** The last program goes back in the file to complete what it wrote before. Default false. */
  seeks?: boolean;
}

/**
 * Lets a pipeline write a new file (mode 0600) and makes it durable; size and SHA-256 are taken while it is written.
 * Fails when any program of the pipeline fails, when nothing was written, or when `check` does.
 */
export async function writeDumpFile(
  folder: string,
  file: string,
  stages: readonly Stage[],
  { check, seeks = false, ...options }: WriteOptions,
): Promise<RunFile> {
  const handle = await open(join(folder, file), "wx+", 0o600);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  try {
    const written = runPipeline(stages, { ...options, signal, outputFd: handle.fd });
    const following = follow(handle, written, seeks).catch((error: unknown) => {
      stop.abort(error);
      throw error;
    });
    // The file is closed when neither uses it any more; a pipeline's failure says more than what follows from it.
    await Promise.allSettled([written, following]);
    const [, { head, ...sums }] = await Promise.all([written, following]);
    if (sums.sizeBytes === 0) throw new Error(`${file} is empty although nothing failed`);
    await check?.(head, sums.sizeBytes);
    await handle.sync();
    return { file, ...sums };
  } finally {
    await handle.close();
  }
}

/**
 * Reads a file close behind what writes it. The last program writes straight into the file: what is read here comes
 * from the system's memory, which costs a third of the processor time that handing every byte through here costs.
 */
async function follow(handle: FileHandle, written: Promise<void>, seeks: boolean) {
  let ended = false;
  const ending = () => {
    ended = true;
  };
  const end = written.then(ending, ending);
  if (seeks) await end;
  const hash = createHash("sha256");
  const head: Buffer[] = [];
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let sizeBytes = 0;
  let unflushed = 0;
  let flushing: Promise<unknown> = Promise.resolve();
  try {
    for (;;) {
      // Asked before the read: what is written before the end is all there to be read after it.
      const last = ended;
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, sizeBytes);
      const bytes = chunk.subarray(0, bytesRead);
      hash.update(bytes);
      if (sizeBytes < headBytes) head.push(Buffer.from(bytes.subarray(0, headBytes)));
      sizeBytes += bytesRead;
      unflushed += bytesRead;
      if (unflushed >= flushBytes) {
        unflushed = 0;
        await flushing;
        flushing = handle.datasync();
        // Whoever waits for it next gets the failure.
        flushing.catch(() => undefined);
      }
      if (bytesRead === chunkBytes) continue;
      if (last && bytesRead === 0) break;
      if (!last) await Promise.race([end, setTimeout(pollMilliseconds, undefined, { ref: false })]);
    }
    await flushing;
  } finally {
    // Not to be closed under it.
    await flushing.catch(() => undefined);
  }
  return { sizeBytes, sha256: hash.digest("hex"), head: Buffer.concat(head) };
}

/** Writes a text to a new file (mode 0600) and makes it durable. */
export async function writeTextFile(folder: string, file: string, text: string): Promise<RunFile> {
  const bytes = Buffer.from(text);
  const handle = await open(join(folder, file), "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { file, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Size and SHA-256 of what is in a file now. */
export async function hashFile(
  path: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const handle = await open(path, "r");
  try {
    for await (const chunk of handle.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false })) {
      signal.throwIfAborted();
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
  } finally {
    await handle.close();
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

/** Seconds since a `performance.now()`, to the millisecond. */
export function secondsSince(begun: number): number {
  return Math.round(performance.now() - begun) / 1000;
}
