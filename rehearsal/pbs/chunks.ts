import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing } from "../lib/files.ts";
import { sha256 } from "./archive.ts";

/** Where a datastore keeps a chunk: `.chunks/<first four digits>/<digest>`. */
export function chunkPath(root: string, digest: string): string {
  return join(root, ".chunks", digest.slice(0, 4), digest);
}

/**
 * Keeps a chunk; one that is there already is only marked as used. Whoever reads sees the whole chunk or none.
 * @returns whether it was there already.
 */
export async function insertChunk(root: string, digest: string, content: Uint8Array): Promise<boolean> {
  const path = chunkPath(root, digest);
  // One of another size was cut off by something else than this server; a whole one replaces it.
  if ((await sizeOf(path)) === content.length && (await touchChunk(root, digest))) return true;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o640);
    try {
      await handle.writeFile(content);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return false;
}

/** Marks a chunk as used now, which keeps it from the next garbage collection. False when it is not there. */
export async function touchChunk(root: string, digest: string, now = new Date()): Promise<boolean> {
  const path = chunkPath(root, digest);
  try {
    await utimes(path, now, (await stat(path)).mtime);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** A chunk that is missing or does not have the content that its name promises. */
export class DamagedChunk extends Error {}

/** @throws DamagedChunk */
export async function readChunk(root: string, digest: string): Promise<Buffer> {
  let content: Buffer;
  try {
    content = await readFile(chunkPath(root, digest));
  } catch (error) {
    if (isMissing(error)) throw new DamagedChunk(`chunk ${digest} is missing`);
    throw error;
  }
  if (sha256(content) !== digest) throw new DamagedChunk(`chunk ${digest} is damaged: wrong digest`);
  return content;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
