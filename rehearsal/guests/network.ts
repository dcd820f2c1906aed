import { writeFile } from "node:fs/promises";
import { execa } from "execa";
import { z } from "zod";
import { bridgeName, type InstanceId } from "./names.ts";

/** The private network of one checkout. */
export interface NetworkOptions {
  instanceId: InstanceId;
  /** The host's own address on the bridge, e.g. 10.77.3.1; its network is the /24 around it. */
  hostAddress: string;
}

const linkSchema = z.array(
  z.object({
    ifname: z.string().optional(),
    addr_info: z
      .array(z.object({ local: z.string().optional(), prefixlen: z.number().optional() }))
      .optional(),
  }),
);

/**
 * Makes the checkout's bridge with the host's address on it, or leaves the existing one as it should be.
 * Nothing is forwarded from it, so guests reach each other and this host, and nothing else.
 *
 * @returns the bridge's name
 */
export async function ensureBridge(options: NetworkOptions): Promise<string> {
  const bridge = bridgeName(options.instanceId);
  if (!(await linkExists(bridge))) await ip(["link", "add", bridge, "type", "bridge"]);
  const address = `${options.hostAddress}/24`;
  const existing = await addressesOf(bridge);
  for (const other of existing) {
    if (other !== address) await ip(["addr", "del", other, "dev", bridge]);
  }
  if (!existing.includes(address)) await ip(["addr", "add", address, "dev", bridge]);
  // Per interface, so that it holds on a machine that forwards for others.
  await writeFile(`/proc/sys/net/ipv4/conf/${bridge}/forwarding`, "0");
  await writeFile(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, "1").catch(() => undefined);
  await ip(["link", "set", bridge, "up"]);
  return bridge;
}

/** Removes the checkout's bridge; true where there was one. */
export async function deleteBridge(instanceId: InstanceId): Promise<boolean> {
  const bridge = bridgeName(instanceId);
  if (!(await linkExists(bridge))) return false;
  await ip(["link", "del", bridge]);
  return true;
}

/** Names of all interfaces of this host that begin with a prefix. */
export async function linksWithPrefix(prefix: string): Promise<string[]> {
  const links = linkSchema.parse(JSON.parse(await ip(["-json", "link", "show"])));
  return links.map((link) => link.ifname ?? "").filter((name) => name.startsWith(prefix));
}

/** Removes an interface; one that is gone already is fine. */
export async function deleteLink(name: string): Promise<void> {
  if (await linkExists(name)) await ip(["link", "del", name]);
}

/**
 * A /24 inside 10.64.0.0/10 that no address and no route of this machine touches.
 *
 * @param seed decides where the search begins, so that checkouts differ (the instance id serves)
 * @returns the host's address in it (`.1`)
 */
export async function findFreeSubnet(seed: string): Promise<string> {
  const routes = z
    .array(z.object({ dst: z.string().optional() }))
    .parse(JSON.parse(await ip(["-json", "-4", "route", "show", "table", "all"])));
  const taken = routes.map((route) => route.dst ?? "").filter((to) => to !== "" && to !== "default");
  const begin = Number.parseInt(seed, 16) % 16384;
  for (let step = 0; step < 16384; step++) {
    const number = (begin + step) % 16384;
    const network = ((10 << 24) | ((64 + (number >> 8)) << 16) | ((number & 255) << 8)) >>> 0;
    if (!taken.some((route) => overlaps(route, network))) return `10.${64 + (number >> 8)}.${number & 255}.1`;
  }
  throw new Error("every /24 in 10.64.0.0/10 is routed somewhere; remove a route or give an address");
}

/** Whether a route (`10.0.0.0/8`, `10.1.2.3`) and a /24 share an address. */
export function overlaps(route: string, network24: number): boolean {
  const [address = "", length = "32"] = route.split("/");
  const parts = address.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part))) return false;
  const value = parts.reduce((sum, part) => sum * 256 + part, 0);
  const bits = Math.min(Number(length), 24);
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  return (value & mask) >>> 0 === (network24 & mask) >>> 0;
}

async function linkExists(name: string): Promise<boolean> {
  const result = await execa("ip", ["link", "show", "dev", name], { reject: false });
  return result.exitCode === 0;
}

async function addressesOf(name: string): Promise<string[]> {
  const links = linkSchema.parse(JSON.parse(await ip(["-json", "-4", "addr", "show", "dev", name])));
  return links.flatMap((link) =>
    (link.addr_info ?? []).flatMap((info) =>
      info.local === undefined ? [] : [`${info.local}/${info.prefixlen ?? 32}`],
    ),
  );
}

async function ip(args: string[]): Promise<string> {
  const result = await execa("ip", args, { reject: false });
  if (result.exitCode !== 0) {
    throw new Error(`ip ${args.join(" ")} failed: ${result.stderr || result.message} (root is needed)`);
  }
  return result.stdout;
}
