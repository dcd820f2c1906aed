const blockBytes = 512;
const largestBytes = 8 ** 11 - 1;

export interface TarEntry {
  /** A relative path of up to 100 bytes. */
  readonly name: string;
  readonly data: Buffer;
}

/**
 * Writes a tar archive (POSIX ustar) of regular files, piece by piece; all of them readable by their owner only.
 * @throws Error for a name or a size that ustar's plain header cannot hold.
 */
export function* tarball(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const { name, data } of entries) {
    yield header(name, data.length);
    yield data;
    const rest = data.length % blockBytes;
    if (rest > 0) yield Buffer.alloc(blockBytes - rest);
  }
  yield Buffer.alloc(2 * blockBytes);
}

function header(name: string, sizeBytes: number): Buffer {
  if (name === "" || name.startsWith("/") || Buffer.byteLength(name) > 100) {
    throw new Error(`"${name}" cannot be put into a tar archive: a name is relative and has 1 to 100 bytes`);
  }
  if (sizeBytes > largestBytes)
    throw new Error(`${name} is larger than the 8 GiB that a tar archive can hold`);
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.fill(" ", 148, 156);
  block.write("0", 156);
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
