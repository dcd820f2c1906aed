import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { CloudInitSeed, GuestNic } from "../guests/guest.ts";
import { failure } from "./errors.ts";
import { splitList } from "./fields.ts";
import { parsePropertyString } from "./property-string.ts";
import type { Simulator } from "./simulator.ts";
import type { Section } from "./state.ts";
import { parseNic } from "./vm-nics.ts";
import { fileOfVolume } from "./volumes.ts";

/**
 * The cloud-init data of a VM as the product writes it (type nocloud). A custom file replaces the generated one
 * whole. So with custom user data the guest's host name comes from there alone: the product's own meta-data
 * carries nothing but the instance id, which changes whenever user or network data do.
 */
export async function cloudInitSeed(
  sim: Simulator,
  node: string,
  vmid: number,
  config: Section,
): Promise<CloudInitSeed> {
  const custom = parsePropertyString(String(config.cicustom ?? ""));
  const read = async (kind: string): Promise<string | undefined> => {
    const volid = custom.get(kind);
    return volid === undefined ? undefined : readFile(await fileOfVolume(sim, node, volid), "utf8");
  };
  const userData = (await read("user")) ?? generatedUserData(vmid, config);
  const networkConfig = (await read("network")) ?? generatedNetworkConfig(config);
  const instance = createHash("sha1").update(userData).update(networkConfig).digest("hex");
  const vendorData = await read("vendor");
  return {
    userData,
    networkConfig,
    metaData: (await read("meta")) ?? `instance-id: ${instance}\n`,
    ...(vendorData === undefined ? {} : { vendorData }),
  };
}

/** User data from the VM's own options. */
export function generatedUserData(vmid: number, config: Section): string {
  const name = String(config.name ?? `VM${vmid}`);
  const [host = name] = name.split(".");
  const domain = splitList(String(config.searchdomain ?? ""))[0];
  const lines = ["#cloud-config", `hostname: ${host}`, "manage_etc_hosts: true"];
  if (name.includes(".") || domain !== undefined)
    lines.push(`fqdn: ${name.includes(".") ? name : `${name}.${domain}`}`);
  if (config.ciuser !== undefined) lines.push(`user: ${config.ciuser}`);
  if (config.cipassword !== undefined) lines.push(`password: ${config.cipassword}`);
  const keys = decodeURIComponent(String(config.sshkeys ?? "")).split("\n");
  const given = keys.map((key) => key.trim()).filter((key) => key !== "");
  if (given.length > 0) lines.push("ssh_authorized_keys:", ...given.map((key) => `  - ${key}`));
  lines.push("chpasswd:", "  expire: False");
  lines.push("users:", "  - default");
  if (config.ciupgrade !== 0) lines.push("package_upgrade: true");
  return `${lines.join("\n")}\n`;
}

/** Network configuration (version 1) from `netN` and `ipconfigN`; interfaces are eth0, eth1, … as there. */
export function generatedNetworkConfig(config: Section): string {
  const lines = ["version: 1", "config:"];
  for (const { index, macAddress } of configuredNics(config)) {
    const properties = parsePropertyString(String(config[`ipconfig${index}`] ?? ""));
    lines.push(
      "    - type: physical",
      `      name: eth${index}`,
      `      mac_address: '${macAddress}'`,
      "      subnets:",
    );
    const ip = properties.get("ip");
    if (ip === "dhcp") lines.push("      - type: dhcp4");
    else if (ip !== undefined) {
      const [address = "", length = "32"] = ip.split("/");
      lines.push(
        "      - type: static",
        `        address: '${address}'`,
        `        netmask: '${netmask(Number(length))}'`,
      );
      const gateway = properties.get("gw");
      if (gateway !== undefined) lines.push(`        gateway: '${gateway}'`);
    }
  }
  const servers = splitList(String(config.nameserver ?? ""));
  const domains = splitList(String(config.searchdomain ?? ""));
  if (servers.length > 0 || domains.length > 0) {
    lines.push("    - type: nameserver");
    if (servers.length > 0) lines.push("      address:", ...servers.map((server) => `      - '${server}'`));
    if (domains.length > 0) lines.push("      search:", ...domains.map((domain) => `      - '${domain}'`));
  }
  return `${lines.join("\n")}\n`;
}

/** The interfaces of a VM on this machine's bridges. A link that is down is not connected, so not made. */
export function guestNics(sim: Simulator, config: Section): GuestNic[] {
  return configuredNics(config).flatMap(({ index, macAddress, nic }) => {
    if (nic.linkDown) return [];
    const bridge = nic.bridge === undefined ? undefined : sim.config.bridges[nic.bridge];
    if (bridge === undefined) throw failure(`bridge '${nic.bridge ?? "(none)"}' does not exist`);
    if (nic.vlanTag !== undefined) {
      throw failure(
        `net${index} asks for VLAN ${nic.vlanTag}: the bridges of this simulated node know no VLANs`,
      );
    }
    return [{ name: `eth${index}`, macAddress, bridge, ...(nic.mtu === undefined ? {} : { mtu: nic.mtu }) }];
  });
}

function configuredNics(config: Section) {
  return Object.entries(config).flatMap(([key, value]) => {
    const match = /^net(\d+)$/.exec(key);
    if (match === null) return [];
    const nic = parseNic(String(value));
    if (nic.macAddress === undefined) throw failure(`${key} has no hardware address`);
    return [{ index: Number(match[1]), macAddress: nic.macAddress.toLowerCase(), nic }];
  });
}

/** 24 → 255.255.255.0 */
export function netmask(length: number): string {
  const bits = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
}
