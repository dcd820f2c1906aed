import { open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { keepImage } from "../guests/mounts.ts";
import { sha256OfFile } from "../image/build.ts";
import { failure, parameterError } from "./errors.ts";
import { formatPropertyString, parsePropertyString } from "./property-string.ts";
import { imagesFolder, nodeOf, type Simulator } from "./simulator.ts";
import type { Section } from "./state.ts";
import { isDrive } from "./vm-options.ts";
import { fileOfVolume, requireContent, sizeBytes, storageOf } from "./volumes.ts";

/** Drives as they are stored, and what was imported into them. */
export interface PreparedDrives {
  drives: Section;
  /** Drive → SHA-256 of its image. */
  images: Record<string, string>;
}

/**
 * Turns the drives of a request into stored ones: allocates new disks, imports images, names the cloud-init
 * drive. A drive that names an existing volume stays as it is.
 *
 * @param before the VM's present configuration, empty for a new one
 */
export async function prepareDrives(
  sim: Simulator,
  node: string,
  vmid: number,
  given: Section,
  before: Section,
): Promise<PreparedDrives> {
  const drives: Section = {};
  const images: Record<string, string> = {};
  let nextDisk = firstFreeDisk(vmid, before);
  for (const [key, value] of Object.entries(given)) {
    if (!isDrive(key)) continue;
    const properties = parsePropertyString(String(value), "file");
    const file = properties.get("file") ?? "";
    if (file === "none" || file === "cdrom" || /:iso\//.test(file)) {
      drives[key] = String(value);
      continue;
    }
    const [storage = "", rest = ""] = split(file);
    const section = storageOf(sim, storage, node);
    requireContent(storage, section, "images");
    const volumeName = (name: string) =>
      section.type === "dir"
        ? `${storage}:${vmid}/${name}.${rest === "cloudinit" ? "qcow2" : "raw"}`
        : `${storage}:${name}`;
    if (rest === "cloudinit") {
      drives[key] = `${volumeName(`vm-${vmid}-cloudinit`)},media=cdrom,size=4M`;
    } else if (/^\d+(\.\d+)?$/.test(rest)) {
      const source = properties.get("import-from");
      properties.delete("import-from");
      properties.set("file", volumeName(`vm-${vmid}-disk-${nextDisk}`));
      nextDisk += 1;
      if (source === undefined) {
        if (Number(rest) <= 0) throw parameterError({ [key]: `invalid disk size '${rest}'` });
        properties.set("size", `${rest}G`);
      } else {
        if (Number(rest) !== 0)
          throw parameterError({ [key]: "import-from needs a size of 0 for the new disk" });
        const imported = await importImage(sim, node, source);
        images[key] = imported.sha256;
        properties.set("size", imported.size);
      }
      drives[key] = formatPropertyString(properties, "file");
    } else {
      const known = parsePropertyString(String(before[key] ?? ""), "file");
      if (!Object.values(before).some((other) => volumeOf(String(other)) === file)) {
        throw failure(`volume '${file}' does not exist`);
      }
      if (!properties.has("size") && known.get("size") !== undefined)
        properties.set("size", known.get("size") ?? "");
      drives[key] = formatPropertyString(properties, "file");
    }
  }
  return { drives, images };
}

/**
 * Makes disks while holding the lock of their storage, as long as the node takes for it. A node that is asked for more
 * at once than it can do lets the rest wait, and those who wait too long fail.
 */
export async function withStorageLock<T>(
  sim: Simulator,
  node: string,
  storages: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const { parallelCreates = Number.POSITIVE_INFINITY, createSeconds } = nodeOf(sim, node);
  const [storage] = storages;
  if (storage === undefined) return work();
  return sim.locks.storage(node, storage, parallelCreates, async () => {
    const [made] = await Promise.all([work(), sleep(createSeconds * 1000)]);
    return made;
  });
}

/** Storages on which a request's drives get new disks. */
export function newDiskStorages(given: Section): string[] {
  const storages = Object.entries(given).flatMap(([key, value]) => {
    const storage = isDrive(key) ? /^([^:,]+):\d+(\.\d+)?(,|$)/.exec(String(value))?.[1] : undefined;
    return storage === undefined ? [] : [storage];
  });
  return [...new Set(storages)];
}

/** The drive that a VM boots from. */
export function bootDrive(config: Section): string | undefined {
  const order = parsePropertyString(String(config.boot ?? ""), "legacy").get("order");
  const candidates = order === undefined ? ["scsi0", "virtio0", "sata0", "ide0"] : order.split(";");
  return candidates.find((key) => isDrive(key) && config[key] !== undefined);
}

/** Sizes grow only; gives the new `size`. */
export function grownSize(present: string, requested: string): string {
  const bytes = requested.startsWith("+")
    ? sizeBytes(present) + sizeBytes(requested.slice(1))
    : sizeBytes(requested);
  if (bytes < sizeBytes(present)) throw failure("shrinking disks is not supported");
  const gibibytes = bytes / 2 ** 30;
  return Number.isInteger(gibibytes) ? `${gibibytes}G` : `${Math.ceil(bytes / 2 ** 20)}M`;
}

async function importImage(
  sim: Simulator,
  node: string,
  source: string,
): Promise<{ sha256: string; size: string }> {
  const path = await fileOfVolume(sim, node, source);
  // A record boots nothing, so anything may stand for its disk.
  if (sim.config.guests.kind === "containers") await requireSquashfs(path, source);
  const sha256 = await sha256OfFile(path);
  await keepImage(imagesFolder(sim), path, sha256);
  return { sha256, size: `${Math.ceil((await stat(path)).size / 2 ** 20)}M` };
}

/** Guests are containers over a squashfs; another disk image would need a hypervisor. */
async function requireSquashfs(path: string, volid: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead === 4 && buffer.toString("latin1") === "hsqs") return;
  } finally {
    await handle.close();
  }
  throw failure(`cannot import '${volid}': not a squashfs image, and this simulated node boots nothing else`);
}

function firstFreeDisk(vmid: number, config: Section): number {
  const numbers = Object.values(config).flatMap((value) => {
    const match = new RegExp(`vm-${vmid}-disk-(\\d+)`).exec(String(value));
    return match === null ? [] : [Number(match[1])];
  });
  return Math.max(-1, ...numbers) + 1;
}

function split(file: string): [string, string] {
  const at = file.indexOf(":");
  if (at === -1) throw failure(`unable to parse volume ID '${file}'`);
  return [file.slice(0, at), file.slice(at + 1)];
}

function volumeOf(value: string): string {
  return value.split(",")[0] ?? "";
}
