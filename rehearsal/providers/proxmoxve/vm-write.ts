import { isDeepStrictEqual } from "node:util";
import type { VmInputs } from "./vm-inputs.ts";

/** Parameters of an API call; undefined ones are not sent. */
export type Parameters = Record<string, string | number | boolean | undefined>;

type Disk = VmInputs["disks"][number];
type NetworkDevice = VmInputs["networkDevices"][number];

/** A guest's configuration as PVE answers it. */
export type VmConfig = Readonly<Record<string, unknown>>;

/** Everything that a new guest is created with. */
export function creation(vm: VmInputs): Parameters {
  return {
    vmid: vm.vmId,
    ...settings(vm),
    ide2: `${vm.initialization.datastoreId}:cloudinit`,
    ...Object.fromEntries(vm.networkDevices.map((device, index) => [`net${index}`, network(device)])),
    ...Object.fromEntries(vm.disks.map((disk) => [disk.interface, newDisk(disk)])),
  };
}

/**
 * What turns the guest as it is into the wanted one, in one call; disks that grow are another. Properties that the
 * program no longer states are deleted, volumes of disks that it no longer states stay behind as unused ones.
 */
export function change(vm: VmInputs, now: VmConfig): Parameters {
  const wanted: Parameters = settings(vm);
  for (const [index, device] of vm.networkDevices.entries()) {
    const name = `net${index}`;
    wanted[name] = network({ ...device, macAddress: device.macAddress ?? macAddressOf(now[name]) });
  }
  for (const disk of vm.disks) {
    const before = now[disk.interface];
    if (before === undefined) wanted[disk.interface] = newDisk(disk);
    else if (!sameOptions(disk, String(before))) {
      wanted[disk.interface] = [volumeOf(String(before)), ...diskOptions(disk)].join(",");
    }
  }
  const stated = new Set([
    ...Object.keys(wanted).filter((name) => wanted[name] !== undefined),
    ...vm.disks.map((disk) => disk.interface),
  ]);
  const removed = Object.keys(now).filter((name) => managed.test(name) && !stated.has(name));
  return { ...wanted, ...(removed.length === 0 ? {} : { delete: removed.join(",") }) };
}

/** Configuration that a running guest takes over only when it is started anew; the real provider reboots it then. */
export function needsReboot(recorded: Partial<VmInputs>, wanted: VmInputs): boolean {
  const names = [
    "cpu",
    "memory",
    "agent",
    "operatingSystem",
    "scsiHardware",
    "networkDevices",
    "initialization",
    "serialDevices",
  ] as const;
  return names.some((name) => !isDeepStrictEqual(recorded[name], wanted[name]));
}

/** Names that are the program's to decide; anything else in the configuration is PVE's own. */
const managed = /^(net|ipconfig|serial|scsi|virtio|sata)\d+$|^(description|nameserver|searchdomain)$/;

function settings(vm: VmInputs): Parameters {
  const { dns, ipConfigs, userDataFileId } = vm.initialization;
  return {
    name: vm.name,
    description: vm.description || undefined,
    tags: vm.tags.join(";"),
    cores: vm.cpu.cores,
    cpu: vm.cpu.type,
    memory: vm.memory.dedicated,
    agent: `enabled=${vm.agent.enabled ? 1 : 0}`,
    ostype: vm.operatingSystem.type,
    scsihw: vm.scsiHardware,
    boot: `order=${vm.disks[0]?.interface}`,
    onboot: vm.onBoot,
    protection: vm.protection,
    cicustom: `user=${userDataFileId}`,
    searchdomain: dns?.domain,
    nameserver: dns?.servers?.length ? dns.servers.join(" ") : undefined,
    ...Object.fromEntries(ipConfigs.map(({ ipv4 }, index) => [`ipconfig${index}`, ipConfig(ipv4)])),
    ...Object.fromEntries(vm.serialDevices.map((_, index) => [`serial${index}`, "socket"])),
  };
}

function ipConfig({ address, gateway }: { address: string; gateway?: string | undefined }): string {
  return gateway === undefined ? `ip=${address}` : `ip=${address},gw=${gateway}`;
}

function network({ model, macAddress, bridge, vlanId, firewall }: NetworkDevice): string {
  return [
    macAddress === undefined ? model : `${model}=${macAddress}`,
    `bridge=${bridge}`,
    ...(vlanId === undefined ? [] : [`tag=${vlanId}`]),
    ...(firewall === undefined ? [] : [`firewall=${firewall ? 1 : 0}`]),
  ].join(",");
}

/** The hardware address in a `netN`; undefined where there is none. */
export function macAddressOf(device: unknown): string | undefined {
  return /=([0-9A-F]{2}(?::[0-9A-F]{2}){5})/i.exec(String(device ?? ""))?.[1];
}

function newDisk(disk: Disk): string {
  // An imported disk begins with the image's size and is enlarged afterwards.
  return disk.importFrom === undefined
    ? [`${disk.datastoreId}:${disk.size}`, ...diskOptions(disk)].join(",")
    : [`${disk.datastoreId}:0`, `import-from=${disk.importFrom}`, ...diskOptions(disk)].join(",");
}

function diskOptions({ discard, iothread, ssd }: Disk): string[] {
  return [`discard=${discard}`, `iothread=${iothread ? 1 : 0}`, `ssd=${ssd ? 1 : 0}`];
}

function sameOptions(disk: Disk, before: string): boolean {
  const options = optionsOf(before);
  const { discard = "ignore", iothread = "0", ssd = "0" } = options;
  return isDeepStrictEqual(diskOptions(disk), [`discard=${discard}`, `iothread=${iothread}`, `ssd=${ssd}`]);
}

/** The volume of a drive: `local-lvm:vm-100-disk-0,discard=on` → `local-lvm:vm-100-disk-0`. */
export function volumeOf(drive: string): string {
  return drive.split(",")[0] ?? "";
}

/** The options of a property string: `virtio=…,bridge=vmbr0` → `{bridge: "vmbr0", virtio: "…"}`. */
export function optionsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(",")
      .filter((part) => part.includes("="))
      .map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]),
  );
}
