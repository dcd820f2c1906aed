import type { z } from "zod";
import type { VmInputs, vmInputs } from "./vm-inputs.ts";
import { macAddressOf, optionsOf, type VmConfig, volumeOf } from "./vm-write.ts";

type Described = z.input<typeof vmInputs>;

/**
 * The inputs that describe a guest as it is now. What PVE does not keep (the image of a disk, the cloud-init drive's
 * storage, how to destroy) is taken as recorded.
 */
export function described(recorded: VmInputs, config: VmConfig, running: boolean): Described {
  const text = (name: string) => String(config[name] ?? "");
  const description = text("description").trimEnd();
  return {
    ...recorded,
    name: text("name"),
    description: description === "" && !recorded.description ? recorded.description : description,
    tags: sameList(recorded.tags, list(text("tags"), /[;, ]/)),
    cpu: { cores: Number(config.cores ?? 1), type: optionless(text("cpu")) || "kvm64" },
    memory: { dedicated: Number(optionless(text("memory")) || 512) },
    agent: { enabled: isAgentEnabled(text("agent")) },
    operatingSystem: { type: text("ostype") || "other" },
    scsiHardware: text("scsihw") || "lsi",
    disks: disks(recorded, config),
    networkDevices: indexed(config, "net").map(([index, device]) =>
      networkDevice(recorded.networkDevices[index], device),
    ),
    initialization: {
      ...recorded.initialization,
      userDataFileId: optionsOf(text("cicustom")).user ?? "",
      ...(recorded.initialization.dns === undefined && text("searchdomain") + text("nameserver") === ""
        ? {}
        : {
            dns: {
              domain: text("searchdomain"),
              ...(recorded.initialization.dns?.servers === undefined && text("nameserver") === ""
                ? {}
                : { servers: list(text("nameserver"), / /) }),
            },
          }),
      ipConfigs: indexed(config, "ipconfig").map(([, value]) => ({ ipv4: ipConfig(value) })),
    },
    serialDevices: indexed(config, "serial").map(() => ({})),
    onBoot: Number(config.onboot ?? 0) === 1,
    protection: Number(config.protection ?? 0) === 1,
    started: running,
  };
}

function disks(recorded: VmInputs, config: VmConfig): Described["disks"] {
  const there = Object.keys(config).filter(
    (name) => /^(scsi|virtio|sata)\d+$/.test(name) && !String(config[name]).includes("media=cdrom"),
  );
  // The order of the program first: only it knows which disk it named first.
  const named = recorded.disks.map((disk) => disk.interface).filter((name) => there.includes(name));
  const order = [...named, ...there.filter((name) => !named.includes(name)).sort()];
  return order.map((name) => {
    const drive = String(config[name]);
    const { discard = "ignore", iothread = "0", ssd = "0", size = "0G" } = optionsOf(drive);
    const importFrom = recorded.disks.find((disk) => disk.interface === name)?.importFrom;
    return {
      interface: name,
      datastoreId: volumeOf(drive).split(":")[0] ?? "",
      ...(importFrom === undefined ? {} : { importFrom }),
      size: gibibytes(size),
      discard,
      iothread: iothread === "1",
      ssd: ssd === "1",
    };
  });
}

function networkDevice(
  recorded: VmInputs["networkDevices"][number] | undefined,
  device: string,
): Described["networkDevices"][number] {
  const { bridge = "", tag, firewall } = optionsOf(device);
  const macAddress = macAddressOf(device);
  return {
    bridge,
    model: device.split(/[=,]/)[0] ?? "",
    ...(tag === undefined ? {} : { vlanId: Number(tag) }),
    // A hardware address that PVE chose is no change.
    ...(recorded?.macAddress === undefined || macAddress === undefined ? {} : { macAddress }),
    ...(firewall === undefined ? {} : { firewall: firewall === "1" }),
  };
}

function ipConfig(text: string): { address: string; gateway?: string } {
  const { ip = "", gw } = optionsOf(text);
  return { address: ip, ...(gw === undefined ? {} : { gateway: gw }) };
}

/** `net0`, `net1`, … with their numbers, in order. */
function indexed(config: VmConfig, prefix: string): [number, string][] {
  return Object.entries(config)
    .map(([name, value]) => [new RegExp(`^${prefix}(\\d+)$`).exec(name)?.[1], String(value)] as const)
    .filter((entry): entry is readonly [string, string] => entry[0] !== undefined)
    .map(([index, value]): [number, string] => [Number(index), value])
    .sort(([a], [b]) => a - b);
}

/** A disk's size: `32G`, `512M`, `2T` or bytes. Parts of a GiB are rounded up, as the real provider does. */
function gibibytes(size: string): number {
  const units: Record<string, number> = { "": 2 ** -30, K: 2 ** -20, M: 2 ** -10, G: 1, T: 1024 };
  const [, count = "0", unit = ""] = /^(\d+)([KMGT]?)$/.exec(size) ?? [];
  return Math.ceil(Number(count) * (units[unit] ?? 1));
}

/** The first part of a property string: `x86-64-v2-AES,flags=+aes` → `x86-64-v2-AES`. */
function optionless(text: string): string {
  return (text.split(",")[0] ?? "").replace(/^(cputype|current)=/, "");
}

function isAgentEnabled(text: string): boolean {
  return (optionsOf(text).enabled ?? text.split(",")[0]) === "1";
}

function list(text: string, separator: RegExp): string[] {
  return text.split(separator).filter((part) => part !== "");
}

/** PVE sorts tags; the program's order is kept where both hold the same. */
function sameList(recorded: readonly string[], now: string[]): string[] {
  return recorded.length === now.length && recorded.every((each) => now.includes(each)) ? [...recorded] : now;
}
