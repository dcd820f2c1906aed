import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { RunFile } from "../runs/manifest.ts";
import { runPipeline, type Stage } from "../system/child.ts";

/**
 * Writes the output of a pipeline to a new file (mode 0600) and makes it durable; size and SHA-256 are of the
 * bytes on their way. Fails when any program of the pipeline fails, when nothing was written, or when the
 * output does not end with `ending`.
 */
export async function writeDumpFile(
  folder: string,
  file: string,
  stages: readonly Stage[],
  signal: AbortSignal,
  ending?: string,
): Promise<RunFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let tail = Buffer.alloc(0);
  const handle = await open(join(folder, file), "wx", 0o600);
  try {
    const consume = async (output: Readable) => {
      for await (const chunk of output) {
        const bytes = Buffer.from(chunk);
        hash.update(bytes);
        sizeBytes += bytes.length;
        if (ending !== undefined) tail = Buffer.concat([tail, bytes]).subarray(-256);
        await handle.writeFile(bytes);
      }
    };
    await runPipeline(stages, { consume, signal });
    if (sizeBytes === 0) throw new Error(`${file} is empty although nothing failed`);
    if (ending !== undefined && !tail.toString("utf8").includes(ending)) {
      throw new Error(`${file} is cut short: it does not end with "${ending}"`);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { file, sizeBytes, sha256: hash.digest("hex") };
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
