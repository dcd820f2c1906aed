import { randomBytes } from "node:crypto";
import { decimal, flag, matching, oneWordOf, parseProperties, unicastMac, whole } from "./formats.ts";
import { formatPropertyString, type PropertyString, parsePropertyString } from "./property-string.ts";

const models = ["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"];
const format = {
  properties: {
    ...Object.fromEntries(models.map((model) => [model, unicastMac])),
    bridge: matching(/^[-_.\w]+$/),
    firewall: flag,
    link_down: flag,
    macaddr: unicastMac,
    model: oneWordOf(...models),
    mtu: whole(1, 65_520),
    queues: whole(0, 64),
    rate: decimal(0),
    tag: whole(1, 4094),
    trunks: matching(/^\d+(?:-\d+)?(?:;\d+(?:-\d+)?)*$/),
  },
  defaultKey: "model",
};

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
  const properties = parseProperties(value, format);
  const named = models.find((model) => properties.has(model));
  const model = named ?? properties.get("model");
  if (model === undefined) throw new Error("invalid network model");
  const macAddress = (named === undefined ? undefined : properties.get(named)) ?? properties.get("macaddr");
  const number = (key: string) => (properties.has(key) ? Number(properties.get(key)) : undefined);
  return {
    model,
    macAddress,
    bridge: properties.get("bridge"),
    linkDown: /^(?:1|on|yes|true)$/i.test(properties.get("link_down") ?? ""),
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
