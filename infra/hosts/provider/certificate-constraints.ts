import { parseCidr } from "../../site/network.ts";

/** The names that an authority may vouch for; an empty list means that kind is not restricted. */
export interface PermittedNames {
  /** With everything below them. */
  readonly dnsDomains: readonly string[];
  /** In CIDR notation. */
  readonly ipRanges: readonly string[];
}

/**
 * The name constraints extension (RFC 5280, 4.2.1.10) as DER, or nothing where nothing is restricted. It is written
 * here because the certificate library has no class for it.
 */
export function nameConstraints({ dnsDomains, ipRanges }: PermittedNames): Buffer[] {
  const subtrees = [
    ...dnsDomains.map((domain) => tagged(contextTag(2), Buffer.from(domain, "ascii"))),
    ...ipRanges.map((range) => tagged(contextTag(7), ipRange(range))),
  ];
  if (subtrees.length === 0) return [];
  const permitted = Buffer.concat(subtrees.map((base) => tagged(sequence, base)));
  return [tagged(sequence, tagged(contextTag(0) | constructed, permitted))];
}

const sequence = 0x30;
const constructed = 0x20;

function contextTag(number: number): number {
  return 0x80 | number;
}

/** Four bytes of address and four of mask. */
function ipRange(range: string): Buffer {
  const network = parseCidr(range);
  if (network === undefined) throw new Error(`${range} is no IPv4 network in CIDR notation`);
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(network.base, 0);
  bytes.writeUInt32BE(2 ** 32 - 2 ** (32 - network.bits), 4);
  return bytes;
}

/** Tag, length and content of one DER value. */
function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  const digits = Buffer.from(bytes.toString(16).padStart(bytes > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}
