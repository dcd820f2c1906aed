import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** The algorithms of `x-amz-checksum-…` (S3 user guide, "Checking object integrity"). */
export const algorithms = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type Algorithm = (typeof algorithms)[number];

/** A checksum in the making; its value is base64 of the big-endian bytes, as S3 writes it. */
export interface Checksum {
  update(chunk: Uint8Array): void;
  value(): string;
}

export function isAlgorithm(name: string): name is Algorithm {
  return (algorithms as readonly string[]).includes(name);
}

export function newChecksum(algorithm: Algorithm | "md5"): Checksum {
  if (algorithm === "crc32") return crcOf32Bits((chunk, crc) => crc32(chunk, crc));
  if (algorithm === "crc32c") return crcOf32Bits(updateCrc32c);
  if (algorithm === "crc64nvme") return crc64Nvme();
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), value: () => hash.digest("base64") };
}

function crcOf32Bits(next: (chunk: Uint8Array, crc: number) => number): Checksum {
  let crc = 0;
  return {
    update: (chunk) => {
      crc = next(chunk, crc);
    },
    value: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc >>> 0);
      return bytes.toString("base64");
    },
  };
}

// Castagnoli polynomial, reflected (RFC 3720, appendix B.4).
const crc32cTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

function updateCrc32c(chunk: Uint8Array, before: number): number {
  let crc = ~before;
  for (const byte of chunk) crc = (crc >>> 8) ^ (crc32cTable[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

// CRC-64/NVME, reflected polynomial 9a6c9329ac4bc9b5 (NVM Express NVM command set specification), as two halves of 32
// bits each, since numbers hold no 64 and BigInt is slow.
const crc64Table = Array.from({ length: 256 }, (_, index) => {
  let crc = BigInt(index);
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
  return crc;
});
const highHalves = Uint32Array.from(crc64Table, (crc) => Number(crc >> 32n));
const lowHalves = Uint32Array.from(crc64Table, (crc) => Number(crc & 0xffffffffn));

function crc64Nvme(): Checksum {
  let high = 0xffffffff;
  let low = 0xffffffff;
  return {
    update: (chunk) => {
      for (const byte of chunk) {
        const index = (low ^ byte) & 0xff;
        low = (((low >>> 8) | (high << 24)) ^ (lowHalves[index] ?? 0)) >>> 0;
        high = ((high >>> 8) ^ (highHalves[index] ?? 0)) >>> 0;
      }
    },
    value: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE(~high >>> 0, 0);
      bytes.writeUInt32BE(~low >>> 0, 4);
      return bytes.toString("base64");
    },
  };
}
