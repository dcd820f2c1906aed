/** An IPv4 network: `base` is the numeric network address, `bits` the prefix length. */
export interface Network {
  readonly base: number;
  readonly bits: number;
}

/** The address as an unsigned 32-bit number; undefined where the text is not a dotted quad. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    // A leading zero means octal to some resolvers: refused instead of guessed.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The network of hosts; undefined where the text is not CIDR notation or has host bits set. */
export function parseCidr(text: string): Network | undefined {
  const network = parseSource(text);
  return network !== undefined && network.bits <= 30 && text.includes("/") ? network : undefined;
}

/** An address, or a network of any size in CIDR notation; undefined where the text is neither. */
export function parseSource(text: string): Network | undefined {
  const [address, prefix = "32", ...rest] = text.split("/");
  if (address === undefined || rest.length > 0 || !/^[0-9]{1,2}$/.test(prefix)) return undefined;
  const base = parseIpv4(address);
  const bits = Number(prefix);
  if (base === undefined || bits > 32 || base % sizeOf(bits) !== 0) return undefined;
  return { base, bits };
}

/** Whether the address can belong to a host of the network: inside, and neither its network nor broadcast address. */
export function containsHost(network: Network, address: number): boolean {
  return address > network.base && address < network.base + sizeOf(network.bits) - 1;
}

/** Whether every address of `inner` is one of `outer`. */
export function covers(outer: Network, inner: Network): boolean {
  return outer.bits <= inner.bits && overlap(outer, inner);
}

export function overlap(a: Network, b: Network): boolean {
  return a.base < b.base + sizeOf(b.bits) && b.base < a.base + sizeOf(a.bits);
}

function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}
