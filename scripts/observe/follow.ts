import { createHash } from "node:crypto";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode } from "../system/files.ts";
import type { LogPosition } from "./state.ts";

/** What has been written to a file since it was last read. */
export interface Followed {
  position: LogPosition;
  /** What there is beyond the position, complete lines or not. */
  unreadBytes: number;
  /** Whether the end of the file that was read before is not there any more. */
  hasGap: boolean;
}

const chunkBytes = 64 * 1024;
/** So much of a line is looked at; what one holds beyond that is passed over. */
const lineBytes = 4 * 1024;
const tailBytes = 256;

/**
 * Gives each complete line that was written since `position`, through rotation by another name and by truncation (where
 * the copy or the old file lies beside it). Without a position nothing is given: what is there is of any age. No more
 * than `maximumBytes` are read, the rest the next time; memory does not grow with the file or its lines.
 */
export async function followFile(
  path: string,
  position: LogPosition | undefined,
  onLine: (line: string) => void,
  maximumBytes = 64 * 1024 ** 2,
): Promise<Followed> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (position === undefined)
      return { position: await positionAt(file, size), unreadBytes: 0, hasGap: false };
    if (await isSame(file, position))
      return { ...(await readOn(file, position.offset, maximumBytes, onLine)), hasGap: false };
    const before = await openRotated(path, position);
    let left = maximumBytes;
    if (before !== undefined) {
      try {
        const rest = await readOn(before, position.offset, left, onLine);
        if (rest.isLimited) return { ...rest, hasGap: false };
        left -= rest.position.offset - position.offset;
      } finally {
        await before.close();
      }
    }
    return { ...(await readOn(file, 0, left, onLine)), hasGap: before === undefined };
  } finally {
    await file.close();
  }
}

/** The file that was read before, beside the one that has its name now. */
async function openRotated(path: string, position: LogPosition): Promise<FileHandle | undefined> {
  const names = (await readdir(dirname(path))).filter(
    (name) => name.startsWith(`${basename(path)}.`) && !/\.(gz|xz|zst|bz2)$/.test(name),
  );
  for (const name of names.toSorted()) {
    const file = await open(join(dirname(path), name)).catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    });
    if (file === undefined) continue;
    if (await isSame(file, position)) return file;
    await file.close();
  }
  return undefined;
}

/** Whether a file is the one that was read, or its copy: by what was read last; where that is little, by itself. */
async function isSame(file: FileHandle, { inode, offset, tail }: LogPosition): Promise<boolean> {
  const { ino, size } = await file.stat();
  if (size < offset || (tail.bytes < tailBytes && ino !== inode)) return false;
  const found = await tailAt(file, offset, tail.bytes);
  return found.bytes === tail.bytes && found.sha256 === tail.sha256;
}

async function positionAt(file: FileHandle, offset: number): Promise<LogPosition> {
  const { ino: inode } = await file.stat();
  return { inode, offset, tail: await tailAt(file, offset, Math.min(offset, tailBytes)) };
}

async function tailAt(file: FileHandle, offset: number, bytes: number): Promise<LogPosition["tail"]> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, offset - bytes);
  return {
    bytes: bytesRead,
    sha256: createHash("sha256").update(buffer.subarray(0, bytesRead)).digest("hex"),
  };
}

async function readOn(
  file: FileHandle,
  from: number,
  maximumBytes: number,
  onLine: (line: string) => void,
): Promise<Omit<Followed, "hasGap"> & { isLimited: boolean }> {
  const chunk = Buffer.alloc(chunkBytes);
  let read = from;
  let complete = from;
  let kept = Buffer.alloc(0);
  while (read - from < maximumBytes) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, read);
    if (bytesRead === 0) break;
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      if (end === -1 || end >= bytesRead) break;
      onLine(Buffer.concat([kept, chunk.subarray(start, Math.min(end, start + lineBytes))]).toString("utf8"));
      kept = Buffer.alloc(0);
      start = end + 1;
      complete = read + start;
    }
    if (kept.length < lineBytes)
      kept = Buffer.concat([kept, chunk.subarray(start, Math.min(bytesRead, start + lineBytes))]);
    read += bytesRead;
  }
  // A line that is longer than all that may be read would be read for ever.
  if (complete === from && read - from >= maximumBytes) complete = read;
  const { size } = await file.stat();
  return {
    position: await positionAt(file, complete),
    unreadBytes: Math.max(0, size - complete),
    isLimited: read - from >= maximumBytes && read < size,
  };
}
