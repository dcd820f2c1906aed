import { open } from "node:fs/promises";
import { join } from "node:path";
import type { RunFile } from "../runs/manifest.ts";
import type { Extent } from "./offsite.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

/** What S3 bills for each object in Glacier besides its own size (S3 user guide, "Storage class pricing": 32 KB + 8 KB). */
export const overheadBytes = 40 * 1024;

/** With more than so many bytes of files in it, the overhead of an object is under 1 %. */
const efficientBytes = 100 * overheadBytes;

/** Parts that an upload can have at most (S3 user guide, "Multipart upload limits"). */
export const mostParts = 10_000;

/** A stretch of an object: bytes that are given, or those of a file from an offset on. */
type Segment = { at: number; lengthBytes: number } & ({ bytes: Buffer } | { file: string; offset: number });

/** An object as it is to be: the same files give the same bytes, so that an upload can be taken up anywhere. */
export interface PlannedObject {
  /** Last part of its key. */
  name: string;
  sizeBytes: number;
  segments: Segment[];
}

/**
 * Which objects the files become: large files alone, cut where they exceed `largestBytes`; small ones together in a tar,
 * with the smallest of the large ones where they would be too few by themselves. The overhead of all objects is then
 * under 1 % of the files, except where all of them together are too small for that: then there is one object.
 */
export function planObjects(files: readonly RunFile[], largestBytes: number): PlannedObject[] {
  const bySize = files.toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  const large = bySize.filter(({ sizeBytes }) => sizeBytes > efficientBytes);
  const packs = packsOf(
    bySize.filter(({ sizeBytes }) => sizeBytes <= efficientBytes),
    largestBytes,
  );
  const last = packs.at(-1);
  const [smallest] = large;
  if (last !== undefined && smallest !== undefined && sizeOf(last) <= efficientBytes) {
    if (sizeOf(last) + smallest.sizeBytes <= largestBytes) last.push(...large.splice(0, 1));
  }
  const isAlone = (pack: readonly RunFile[]) => pack.length === 1;
  return [
    ...[...packs.filter(isAlone).flat(), ...large].flatMap((file) => cut(file, largestBytes)),
    ...packs
      .filter((pack) => !isAlone(pack))
      .map((pack, index) => tarOf(index === 0 ? "files.tar" : `files-${index + 1}.tar`, pack)),
  ];
}

/** Small files in as few groups as the largest size of an object allows. */
function packsOf(files: readonly RunFile[], largestBytes: number): RunFile[][] {
  const packs: RunFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const pack = packs.at(-1);
    if (pack !== undefined && bytes + file.sizeBytes <= largestBytes) {
      pack.push(file);
      bytes += file.sizeBytes;
    } else {
      packs.push([file]);
      bytes = file.sizeBytes;
    }
  }
  return packs;
}

function sizeOf(files: readonly RunFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** What of which file an object holds. */
export function extentsOf({ segments }: PlannedObject): Extent[] {
  return segments.flatMap((segment) =>
    "file" in segment
      ? [{ file: segment.file, offset: segment.offset, lengthBytes: segment.lengthBytes, at: segment.at }]
      : [],
  );
}

/** The stretches of files that lie in a range of an object, with where they lie in that range. */
export function* filesWithin(
  extents: readonly Extent[],
  start: number,
  end: number,
): Generator<{ file: string; offset: number; from: number; to: number }> {
  for (const { file, offset, lengthBytes, at } of extents) {
    const from = Math.max(start, at);
    const to = Math.min(end, at + lengthBytes);
    if (from < to) yield { file, offset: offset + from - at, from: from - start, to: to - start };
  }
}

/** Reads a range of an object out of the files below `folder`. Fails where a file is shorter than it was. */
export async function readRange(
  object: PlannedObject,
  folder: string,
  start: number,
  end: number,
): Promise<Buffer> {
  const range = Buffer.alloc(end - start);
  for (const segment of object.segments) {
    if (!("bytes" in segment) || segment.at >= end || segment.at + segment.lengthBytes <= start) continue;
    const skipped = Math.max(0, start - segment.at);
    segment.bytes.copy(range, segment.at + skipped - start, skipped);
  }
  for (const { file, offset, from, to } of filesWithin(extentsOf(object), start, end)) {
    const handle = await open(join(folder, file), "r");
    try {
      for (let done = 0; done < to - from; ) {
        const { bytesRead } = await handle.read(range, from + done, to - from - done, offset + done);
        if (bytesRead === 0) throw new Error(`${join(folder, file)} is shorter than its manifest says`);
        done += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }
  return range;
}

/** A file as objects of about the same size. */
function cut({ file, sizeBytes }: RunFile, largestBytes: number): PlannedObject[] {
  const count = Math.max(1, Math.ceil(sizeBytes / largestBytes));
  const pieceBytes = Math.ceil(sizeBytes / count);
  return Array.from({ length: count }, (_, index) => {
    const offset = index * pieceBytes;
    const lengthBytes = Math.min(pieceBytes, sizeBytes - offset);
    return {
      name: count === 1 ? file : `${file}.${index + 1}-of-${count}`,
      sizeBytes: lengthBytes,
      segments: [{ at: 0, lengthBytes, file, offset }],
    };
  });
}

function tarOf(name: string, files: readonly RunFile[]): PlannedObject {
  const segments: Segment[] = [];
  let at = 0;
  const addBytes = (bytes: Buffer) => {
    if (bytes.length > 0) segments.push({ at, lengthBytes: bytes.length, bytes });
    at += bytes.length;
  };
  for (const { file, sizeBytes } of files) {
    addBytes(tarHeader(file, sizeBytes));
    segments.push({ at, lengthBytes: sizeBytes, file, offset: 0 });
    at += sizeBytes;
    addBytes(tarPadding(sizeBytes));
  }
  addBytes(tarEnd);
  return { name, sizeBytes: at, segments };
}
