import { createHash } from "node:crypto";
import { S3Error } from "./errors.ts";

/** Signs what belongs to a chunk; the signature of each depends on the one before it. */
export interface ChunkSigner {
  /** Signature of a chunk's data. */
  chunk(sha256: string): Promise<string>;
  /** Signature of the trailing headers. */
  trailer(sha256: string): Promise<string>;
}

/**
 * Takes the framing off an `aws-chunked` body and gives the data, then the trailing headers: `SIZE[;chunk-signature=…]`,
 * data, an empty chunk, trailers (S3 API reference, "Signature calculations for the authorization header: transferring
 * payload in multiple chunks" and "… including trailing headers").
 * @throws S3Error IncompleteBody where it ends early, SignatureDoesNotMatch where a chunk was changed.
 */
export async function* decodeChunks(
  source: AsyncIterable<Uint8Array>,
  signer: ChunkSigner | undefined,
): AsyncGenerator<Buffer, ReadonlyMap<string, string>> {
  const input = new Input(source);
  for (;;) {
    const [size = "", ...extensions] = (await input.line()).split(";");
    if (!/^[0-9a-fA-F]{1,12}$/.test(size)) throw incomplete("a chunk has no size");
    let left = Number.parseInt(size, 16);
    const isLast = left === 0;
    const hash = createHash("sha256");
    while (left > 0) {
      const data = await input.atMost(left);
      left -= data.length;
      hash.update(data);
      yield data;
    }
    if (signer) {
      const given = extensions.find((each) => each.startsWith("chunk-signature="))?.slice(16);
      if (given !== (await signer.chunk(hash.digest("hex")))) throw mismatch();
    }
    if (isLast) return await readTrailers(input, signer);
    if ((await input.line()) !== "") throw incomplete("a chunk is longer than it says");
  }
}

async function readTrailers(
  input: Input,
  signer: ChunkSigner | undefined,
): Promise<ReadonlyMap<string, string>> {
  const trailers = new Map<string, string>();
  for (;;) {
    const line = await input.lineOrEnd();
    if (line === undefined || line === "") break;
    const colon = line.indexOf(":");
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const signature = trailers.get("x-amz-trailer-signature");
  trailers.delete("x-amz-trailer-signature");
  if (signer && trailers.size > 0) {
    const text = [...trailers].map(([name, value]) => `${name}:${value}\n`).join("");
    if (signature !== (await signer.trailer(createHash("sha256").update(text).digest("hex"))))
      throw mismatch();
  }
  return trailers;
}

/** A stream that is read by lines and by bytes. */
class Input {
  private readonly source: AsyncIterator<Uint8Array>;
  private buffered: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.source = source[Symbol.asyncIterator]();
  }

  async atMost(count: number): Promise<Buffer> {
    if (this.buffered.length === 0 && !(await this.more())) throw incomplete("it ends inside a chunk");
    const taken = this.buffered.subarray(0, count);
    this.buffered = this.buffered.subarray(taken.length);
    return taken;
  }

  async line(): Promise<string> {
    const line = await this.lineOrEnd();
    if (line === undefined) throw incomplete("it ends before its last chunk");
    return line;
  }

  async lineOrEnd(): Promise<string | undefined> {
    for (;;) {
      const end = this.buffered.indexOf("\r\n");
      if (end >= 0) {
        const line = this.buffered.toString("latin1", 0, end);
        this.buffered = this.buffered.subarray(end + 2);
        return line;
      }
      if (this.buffered.length > 16_384) throw incomplete("a line is too long");
      if (!(await this.more())) return undefined;
    }
  }

  private async more(): Promise<boolean> {
    const { done, value } = await this.source.next();
    if (done) return false;
    this.buffered = this.buffered.length === 0 ? Buffer.from(value) : Buffer.concat([this.buffered, value]);
    return true;
  }
}

function incomplete(reason: string): S3Error {
  return new S3Error(400, "IncompleteBody", `The request body terminated unexpectedly: ${reason}`);
}

function mismatch(): S3Error {
  return new S3Error(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  );
}
