import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";

const algorithm = "ssh-ed25519";

export interface SshKeyPair {
  /** In OpenSSH's own format, without passphrase. */
  readonly privateKey: string;
  /** The line for authorized_keys, without line end. */
  readonly publicKey: string;
  /** `SHA256:…` as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
}

/**
 * Makes an ed25519 key pair. The encoding is ours because ssh2's generator drops leading zero bytes of the public key
 * and so spoils one key in 256 (openssh's PROTOCOL.key describes the format).
 */
export function makeSshKey(comment: string): SshKeyPair {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d, x } = privateKey.export({ format: "jwk" });
  if (d === undefined || x === undefined) throw new Error("an ed25519 key could not be exported");
  return encodeKeyPair(Buffer.from(d, "base64url"), Buffer.from(x, "base64url"), comment);
}

/** Encodes the raw 32 byte halves of an ed25519 key pair. */
export function encodeKeyPair(seed: Buffer, publicBytes: Buffer, comment: string): SshKeyPair {
  const publicBlob = Buffer.concat([field(algorithm), field(publicBytes)]);
  const check = randomBytes(4);
  const secretPart = Buffer.concat([
    check,
    check,
    publicBlob,
    field(Buffer.concat([seed, publicBytes])),
    field(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secretPart.length % 8)) % 8 }, (_, at) => at + 1));
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(publicBlob),
    field(Buffer.concat([secretPart, padding])),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    privateKey: [
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      ...lines,
      "-----END OPENSSH PRIVATE KEY-----",
      "",
    ].join("\n"),
    publicKey: [algorithm, publicBlob.toString("base64"), comment].filter((part) => part !== "").join(" "),
    fingerprint: fingerprintOf(publicBlob),
  };
}

/** The fingerprint of a public key in its wire form. */
export function fingerprintOf(publicBlob: Buffer): string {
  return `SHA256:${createHash("sha256").update(publicBlob).digest("base64").replace(/=+$/, "")}`;
}

/** The wire form of the key in a public key line (`ssh-ed25519 AAAA… comment`). */
export function blobOfLine(line: string): Buffer {
  return Buffer.from(line.split(" ")[1] ?? "", "base64");
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
