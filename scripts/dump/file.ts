import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { RunFile } from "../runs/manifest.ts";
import { type PipelineOptions, runPipeline, type Stage } from "../system/child.ts";

/** Bytes after which what was written so far is sent to the disk, so that the last fsync has little left to do. */
const flushBytes = 64 * 1024 ** 2;

/** What the first bytes of a dump are looked at for: the largest block of zstd, compressed, fits. */
const headBytes = 160 * 1024;

/** How a file is written. */
export interface WriteOptions extends Pick<PipelineOptions, "signal" | "input"> {
  /** Looks at the beginning of what was written; throws where it cannot be the beginning of the right thing. */
  check?: (head: Buffer, sizeBytes: number) => void;
}

/**
 * Writes the output of a pipeline to a new file (mode 0600) and makes it durable; size and SHA-256 are of the
 * bytes on their way. Fails when any program of the pipeline fails, when nothing was written, or when `check` does.
 */
export async function writeDumpFile(
  folder: string,
  file: string,
  stages: readonly Stage[],
  { check, ...options }: WriteOptions,
): Promise<RunFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let unflushed = 0;
  const head: Buffer[] = [];
  const handle = await open(join(folder, file), "wx", 0o600);
  let flushing: Promise<unknown> = Promise.resolve();
  try {
    const consume = async (output: Readable) => {
      for await (const chunk of output) {
        const bytes: Buffer = chunk;
        // The disk takes them while they are hashed here.
        const writing = handle.writeFile(bytes);
        hash.update(bytes);
        if (sizeBytes < headBytes) head.push(bytes);
        sizeBytes += bytes.length;
        unflushed += bytes.length;
        await writing;
        if (unflushed < flushBytes) continue;
        unflushed = 0;
        await flushing;
        flushing = handle.datasync();
        // Whoever waits for it next gets the failure.
        flushing.catch(() => undefined);
      }
    };
    await runPipeline(stages, { ...options, consume });
    if (sizeBytes === 0) throw new Error(`${file} is empty although nothing failed`);
    check?.(Buffer.concat(head), sizeBytes);
    await flushing;
    await handle.sync();
  } finally {
    await flushing.catch(() => undefined);
    await handle.close();
  }
  return { file, sizeBytes, sha256: hash.digest("hex") };
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
