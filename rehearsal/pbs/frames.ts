import { sha256 } from "./archive.ts";

/** In place of a length: what follows is a message, and the stream ends. */
const errorFrame = 0xffff_ffff;

/** A chunk after its length in four bytes. */
export function* chunkFrame(chunk: Buffer): Generator<Buffer> {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(chunk.length);
  yield length;
  yield chunk;
}

/** Says in place of a chunk what is wrong with it. */
export function faultFrame(message: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(errorFrame);
  return Buffer.concat([length, Buffer.from(message)]);
}

/**
 * The chunks of a stream of frames, each compared with the digest that is due.
 * Fails where the stream names a fault, ends early or brings something else.
 */
export async function* contentOf(
  stream: AsyncIterable<Buffer>,
  digests: readonly string[],
): AsyncGenerator<Buffer> {
  const reader = new Reader(stream);
  for (const digest of digests) {
    const length = (await reader.take(4)).readUInt32BE();
    if (length === errorFrame) throw new Error((await reader.rest()).toString("utf8"));
    const chunk = await reader.take(length);
    if (sha256(chunk) !== digest) throw new Error(`chunk ${digest} was changed on its way`);
    yield chunk;
  }
}

/** Takes exact numbers of bytes from a stream and holds no more than it must. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    while (this.#held < length) {
      if (!(await this.#more())) throw new Error("the server ended the transfer early");
    }
    const all = Buffer.concat(this.#parts);
    this.#parts = [all.subarray(length)];
    this.#held -= length;
    return all.subarray(0, length);
  }

  async rest(): Promise<Buffer> {
    while (await this.#more());
    return Buffer.concat(this.#parts);
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    this.#parts.push(next.value);
    this.#held += next.value.length;
    return true;
  }
}
