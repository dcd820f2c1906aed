import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type Algorithm, type Checksum, newChecksum } from "./checksums.ts";
import { S3Error } from "./errors.ts";

/** A body that has arrived as a whole. Nothing is handed on before it was proven right. */
export interface ReceivedBody {
  readonly sizeBytes: number;
  /** Hexadecimal, of the decoded body. */
  readonly sha256: string;
  /** Base64. */
  readonly md5: string;
  readonly checksums: ReadonlyMap<Algorithm, string>;
  stream(): Readable;
  /** The whole body; only for requests that carry a document. */
  text(): Promise<string>;
  /** Gives its room back. */
  discard(): Promise<void>;
}

/** Bodies up to this size stay in memory; a larger one waits in a file. */
const inMemoryBytes = 1 << 20;

/** S3 user guide, "Uploading objects": one request carries at most 5 GiB. */
export const largestRequestBytes = 5 * 2 ** 30;

/**
 * Receives a body and computes its checksums on the way, with at most 1 MiB of it in memory.
 * @throws S3Error EntityTooLarge beyond 5 GiB.
 */
export async function receive(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  wanted: readonly Algorithm[],
): Promise<ReceivedBody> {
  const sha256 = createHash("sha256");
  const md5 = createHash("md5");
  const checksums = new Map(wanted.map((name): [Algorithm, Checksum] => [name, newChecksum(name)]));
  const memory: Uint8Array[] = [];
  const path = join(folder, randomUUID());
  let file: FileHandle | undefined;
  let sizeBytes = 0;
  try {
    for await (const chunk of source) {
      sizeBytes += chunk.length;
      if (sizeBytes > largestRequestBytes) throw tooLarge();
      sha256.update(chunk);
      md5.update(chunk);
      for (const checksum of checksums.values()) checksum.update(chunk);
      if (file === undefined && sizeBytes > inMemoryBytes) {
        file = await open(path, "wx", 0o600);
        for (const earlier of memory.splice(0)) await file.appendFile(earlier);
      }
      if (file === undefined) memory.push(Buffer.from(chunk));
      else await file.appendFile(chunk);
    }
  } catch (error) {
    await file?.close();
    await rm(path, { force: true });
    throw error;
  }
  await file?.close();
  const inFile = file !== undefined;
  return {
    sizeBytes,
    sha256: sha256.digest("hex"),
    md5: md5.digest("base64"),
    checksums: new Map([...checksums].map(([name, checksum]) => [name, checksum.value()])),
    stream: () => (inFile ? createReadStream(path) : Readable.from(memory)),
    text: async () => (inFile ? readFile(path, "utf8") : Buffer.concat(memory).toString("utf8")),
    discard: async () => {
      if (inFile) await rm(path, { force: true });
    },
  };
}

function tooLarge(): S3Error {
  return new S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
}
