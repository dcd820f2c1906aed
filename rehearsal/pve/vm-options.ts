import { driveFormats } from "./drive-options.ts";
import { boolean, indexed, integer, oneOf, parsed, pattern, splitList, text, vmid } from "./fields.ts";
import {
  address,
  decimal,
  flag,
  ipv4Config,
  listOf,
  matching,
  oneWordOf,
  type PropertyFormat,
  parseProperties,
  poolName,
  whole,
} from "./formats.ts";
import { parsePropertyString } from "./property-string.ts";
import { parseNic } from "./vm-nics.ts";

const ipconfigKeys = ["ip", "gw", "ip6", "gw6"];
const cicustomKeys = ["user", "network", "meta", "vendor"];

const tagPattern = /^[a-z0-9_][a-z0-9_\-+.]*$/i;

function checkTags(value: string): void {
  for (const tag of splitList(value)) {
    if (!tagPattern.test(tag)) throw new Error(`value does not look like a valid tag: '${tag}'`);
  }
}

function checkIpConfig(value: string): void {
  const properties = parsePropertyString(value, undefined, ipconfigKeys);
  const ip = properties.get("ip");
  if (ip !== undefined) checkIpv4(ip);
  if (properties.has("gw") && ip === undefined)
    throw new Error("gateway specified without specifying an IP address");
}

function checkIpv4(ip: string): void {
  try {
    ipv4Config(ip);
  } catch (error) {
    throw new Error(`ip: invalid format - ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checkEncoded(value: string): void {
  if (/%(?![0-9a-f]{2})|\s/i.test(value)) throw new Error("value is not correctly encoded");
}

/** Disk slots and how many the product has of each. */
export const diskSlots = { scsi: 31, virtio: 16, sata: 6, ide: 4 } as const;

/** Whether an option is a disk or CD-ROM drive. */
export function isDrive(key: string): boolean {
  return /^(scsi|virtio|sata|ide)\d+$/.test(key);
}

function disks(slot: keyof typeof diskSlots) {
  const drive = properties(driveFormats[slot]).optional();
  return indexed(slot, diskSlots[slot], drive);
}

const properties = (format: PropertyFormat) => parsed((value) => parseProperties(value, format));

const agent: PropertyFormat = {
  properties: {
    enabled: flag,
    "freeze-fs-on-backup": flag,
    fstrim_cloned_disks: flag,
    type: oneWordOf("virtio", "isa"),
  },
  required: ["enabled"],
  defaultKey: "enabled",
};

const version = "-\\d+(?:\\.\\d+)+(?:\\+pve\\d+)?(?:\\.pxe)?";
const machine: PropertyFormat = {
  properties: {
    "aw-bits": decimal(32, 64),
    "enable-s3": flag,
    "enable-s4": flag,
    type: matching(
      new RegExp(
        `^(?:pc|pc(?:-i440fx)?${version}|q35|pc-q35${version}|virt(?:-\\d+(?:\\.\\d+)+)?(?:\\+pve\\d+)?)$`,
      ),
      40,
    ),
    viommu: oneWordOf("intel", "virtio"),
  },
  defaultKey: "type",
};

const vga: PropertyFormat = {
  properties: {
    clipboard: oneWordOf("vnc"),
    memory: whole(4, 512),
    type: oneWordOf(
      ...["cirrus", "qxl", "qxl2", "qxl3", "qxl4", "none", "serial0", "serial1", "serial2", "serial3"],
      ...["std", "virtio", "virtio-gl", "vmware"],
    ),
  },
  defaultKey: "type",
};

/** Options of a VM that create and change have in common. */
export const vmOptions = {
  acpi: boolean().optional(),
  agent: properties(agent).optional(),
  balloon: integer(0).optional(),
  bios: oneOf(["seabios", "ovmf"]).optional(),
  boot: parsed((value) => parsePropertyString(value, "legacy", ["legacy", "order"])).optional(),
  cicustom: parsed((value) => parsePropertyString(value, undefined, cicustomKeys)).optional(),
  cipassword: text().optional(),
  citype: oneOf(["configdrive2", "nocloud", "opennebula"]).optional(),
  ciupgrade: boolean().optional(),
  ciuser: text().optional(),
  cores: integer(1).optional(),
  cpu: text().optional(),
  cpulimit: integer(0, 128).optional(),
  cpuunits: integer(1, 262_144).optional(),
  description: text(8192).optional(),
  hotplug: text().optional(),
  kvm: boolean().optional(),
  machine: properties(machine).optional(),
  memory: parsed((value) => {
    const current = parsePropertyString(value, "current", ["current"]).get("current") ?? "";
    if (!/^\d+$/.test(current) || Number(current) < 16)
      throw new Error("current: value must have a minimum value of 16");
  }).optional(),
  name: pattern(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i,
    "value does not look like a valid DNS name",
  ).optional(),
  nameserver: parsed(listOf(address)).optional(),
  numa: boolean().optional(),
  onboot: boolean().optional(),
  ostype: oneOf([
    "other",
    "wxp",
    "w2k",
    "w2k3",
    "w2k8",
    "wvista",
    "win7",
    "win8",
    "win10",
    "win11",
    "l24",
    "l26",
    "solaris",
  ]).optional(),
  protection: boolean().optional(),
  scsihw: oneOf([
    "lsi",
    "lsi53c810",
    "virtio-scsi-pci",
    "virtio-scsi-single",
    "megasas",
    "pvscsi",
  ]).optional(),
  searchdomain: text().optional(),
  smbios1: text(512).optional(),
  sockets: integer(1).optional(),
  sshkeys: parsed(checkEncoded).optional(),
  startup: text().optional(),
  tablet: boolean().optional(),
  tags: parsed(checkTags).optional(),
  vga: properties(vga).optional(),
  ...indexed("net", 32, parsed(parseNic).optional()),
  ...indexed("ipconfig", 32, parsed(checkIpConfig).optional()),
  ...indexed("serial", 4, pattern(/^(\/dev\/.+|socket)$/).optional()),
  ...disks("scsi"),
  ...disks("virtio"),
  ...disks("sata"),
  ...disks("ide"),
};

/** Parameters of a create besides the options themselves. */
export const createOnly = {
  vmid: vmid(),
  pool: parsed(poolName).optional(),
  start: boolean().optional(),
};
