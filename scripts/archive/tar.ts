const blockBytes = 512;
const largestPlainBytes = 8 ** 11 - 1;

/**
 * What stands before a file's content in a tar archive (POSIX pax): a ustar header, before it an extended one for a name
 * or a size that ustar cannot hold. Regular file, mode 0600, no owner, no time: the same for the same file.
 */
export function tarHeader(name: string, sizeBytes: number): Buffer {
  const plainName = /^[\x20-\x7e]{1,100}$/.test(name);
  const records = [
    ...(plainName ? [] : [paxRecord("path", name)]),
    ...(sizeBytes > largestPlainBytes ? [paxRecord("size", String(sizeBytes))] : []),
  ];
  const size = Math.min(sizeBytes, largestPlainBytes);
  const header = block(plainName ? name : "name-in-pax-header", size, "0");
  if (records.length === 0) return header;
  const extended = Buffer.concat(records);
  return Buffer.concat([
    block("PaxHeaders/file", extended.length, "x"),
    extended,
    tarPadding(extended.length),
    header,
  ]);
}

/** What follows a content of this size, to the end of its block. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * blockBytes);

function block(name: string, sizeBytes: number, type: "0" | "x"): Buffer {
  const fields: readonly (readonly [number, string])[] = [
    [0, name],
    [100, octal(0o600, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(sizeBytes, 11)],
    [136, octal(0, 11)],
    // The checksum counts as blanks while it is computed.
    [148, " ".repeat(8)],
    [156, type],
    [257, "ustar\0" + "00"],
  ];
  const header = Buffer.alloc(blockBytes);
  for (const [offset, text] of fields) header.write(text, offset, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return header;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
