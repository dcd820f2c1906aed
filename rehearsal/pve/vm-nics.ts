import { randomBytes } from "node:crypto";
import { formatPropertyString, type PropertyString, parsePropertyString } from "./property-string.ts";

const models = ["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"];
const options = [
  "bridge",
  "firewall",
  "link_down",
  "macaddr",
  "model",
  "mtu",
  "queues",
  "rate",
  "tag",
  "trunks",
];
const macPattern = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

/** A network interface as a VM's configuration states it. */
export interface VmNic {
  model: string;
  /** `undefined` where the product would make one up. */
  macAddress: string | undefined;
  bridge: string | undefined;
  linkDown: boolean;
  vlanTag: number | undefined;
  mtu: number | undefined;
}

/** Parses `virtio=BC:24:…,bridge=vmbr0`; fails with the reason. */
export function parseNic(value: string): VmNic {
  const properties = parsePropertyString(value, "model", [...options, ...models]);
  const named = models.find((model) => properties.has(model));
  const model = named ?? properties.get("model");
  if (model === undefined || !models.includes(model)) throw new Error("invalid network model");
  const macAddress = (named === undefined ? undefined : properties.get(named)) ?? properties.get("macaddr");
  if (macAddress !== undefined && !macPattern.test(macAddress)) {
    throw new Error("macaddr: value does not look like a valid unicast MAC address");
  }
  const number = (key: string) => (properties.has(key) ? Number(properties.get(key)) : undefined);
  return {
    model,
    macAddress,
    bridge: properties.get("bridge"),
    linkDown: properties.get("link_down") === "1",
    vlanTag: number("tag"),
    mtu: number("mtu"),
  };
}

/** The stored form of an interface: with a hardware address, a new one where none is given. */
export function storedNic(value: string): string {
  const nic = parseNic(value);
  const rest: PropertyString = parsePropertyString(value, "model");
  for (const key of ["model", "macaddr", ...models]) rest.delete(key);
  const mac = (nic.macAddress ?? newMacAddress()).toUpperCase();
  return formatPropertyString(new Map([[nic.model, mac], ...rest]));
}

/** A hardware address in the product's own range. */
function newMacAddress(): string {
  return `BC:24:11:${randomBytes(3).toString("hex").match(/../g)?.join(":")}`;
}
