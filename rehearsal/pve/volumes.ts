import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../lib/files.ts";
import { failure, parameterError } from "./errors.ts";
import { splitList } from "./fields.ts";
import { parsePropertyString } from "./property-string.ts";
import type { Simulator } from "./simulator.ts";
import type { Section } from "./state.ts";

/** A file or disk on a storage, as content listings show it. */
export interface Volume {
  volid: string;
  content: string;
  format: string;
  /** Bytes. */
  size: number;
  /** Unix time in seconds; missing for disks. */
  ctime?: number;
  vmid?: number;
}

/** Content type → folder on a directory storage, and names allowed there. */
const fileContents: Record<string, { folder: string; name: RegExp }> = {
  iso: { folder: "template/iso", name: /^[^/\s]+\.(iso|img)$/i },
  vztmpl: { folder: "template/cache", name: /^[^/\s]+\.tar\.(gz|xz|zst)$/ },
  import: { folder: "import", name: /^[\w.\-+]+\.(ova|ovf|qcow2|raw|vmdk)$/ },
  snippets: { folder: "snippets", name: /^[\w.\-+]+$/ },
};

/** The storage with an id where the node may use it; fails as the product does. */
export function storageOf(sim: Simulator, id: string, node?: string): Section {
  const section = sim.store.state.storages[id];
  if (section === undefined) throw failure(`storage '${id}' does not exist`);
  if (section.disable === 1) throw failure(`storage '${id}' is disabled`);
  const nodes = splitList(text(section.nodes));
  if (node !== undefined && nodes.length > 0 && !nodes.includes(node)) {
    throw failure(`storage '${id}' is not available on node '${node}'`);
  }
  return section;
}

/** Fails unless the storage is configured for a kind of content. */
export function requireContent(storage: string, section: Section, content: string): void {
  if (splitList(text(section.content)).includes(content)) return;
  throw parameterError({
    storage: `storage '${storage}' is not configured for content type '${content}'`,
  });
}

/** Path of a file on a directory storage; fails for a name that the product refuses. */
export function filePath(
  sim: Simulator,
  node: string,
  storage: string,
  content: string,
  name: string,
): string {
  const section = storageOf(sim, storage, node);
  const kind = fileContents[content];
  if (kind === undefined || section.type !== "dir") {
    throw failure(`storage '${storage}' of type '${section.type}' holds no files of type '${content}'`);
  }
  if (!kind.name.test(name) || name.startsWith(".")) {
    throw parameterError({ filename: `invalid filename or wrong extension for '${content}': '${name}'` });
  }
  return join(storageRoot(sim, node, storage, section), kind.folder, name);
}

/** Path as a user of the real product would see it, for messages. */
export function shownPath(sim: Simulator, storage: string, content: string, name: string): string {
  const root = text(sim.store.state.storages[storage]?.path) || `/mnt/pve/${storage}`;
  return `${root}/${fileContents[content]?.folder ?? content}/${name}`;
}

/** Splits `storage:import/name` and gives the file's path; fails where there is no such file. */
export async function fileOfVolume(sim: Simulator, node: string, volid: string): Promise<string> {
  const match = /^([^:]+):([^/]+)\/(.+)$/.exec(volid);
  if (match === null) throw failure(`unable to parse volume ID '${volid}'`);
  const [, storage = "", content = "", name = ""] = match;
  const path = filePath(sim, node, storage, content, name);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw failure(`volume '${volid}' does not exist`);
  return path;
}

/** Everything on a storage that a node sees. */
export async function listVolumes(sim: Simulator, node: string, storage: string): Promise<Volume[]> {
  const section = storageOf(sim, storage, node);
  const volumes: Volume[] = disksOn(sim, node, storage, section);
  if (section.type !== "dir") return volumes;
  for (const [content, kind] of Object.entries(fileContents)) {
    const folder = join(storageRoot(sim, node, storage, section), kind.folder);
    for (const name of await readdir(folder).catch(() => [])) {
      if (!kind.name.test(name) || name.startsWith(".")) continue;
      const found = await statIfThere(join(folder, name));
      // Deleted since the folder was read.
      if (found === undefined) continue;
      const { size, mtimeMs } = found;
      const format = content === "snippets" ? "snippet" : name.slice(name.lastIndexOf(".") + 1);
      volumes.push({
        volid: `${storage}:${content}/${name}`,
        content,
        format,
        size,
        ctime: Math.floor(mtimeMs / 1000),
      });
    }
  }
  return volumes;
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Bytes of a size such as `32G`; without a unit it is bytes already. */
export function sizeBytes(size: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMGT])?$/.exec(size);
  if (match === null) throw failure(`unable to parse size '${size}'`);
  const power = ["K", "M", "G", "T"].indexOf(match[2] ?? "") + 1;
  return Math.round(Number(match[1]) * 1024 ** power);
}

/** A stored value as text; empty where there is none. */
export function text(value: string | number | undefined): string {
  return value === undefined ? "" : String(value);
}

function storageRoot(sim: Simulator, node: string, storage: string, section: Section): string {
  const owner = section.shared === 1 ? "shared" : node;
  return join(sim.folder, "storage", owner, storage);
}

function disksOn(sim: Simulator, node: string, storage: string, section: Section): Volume[] {
  const volumes: Volume[] = [];
  for (const [vmid, vm] of Object.entries(sim.store.state.vms)) {
    if (vm.node !== node && section.shared !== 1) continue;
    for (const [key, value] of Object.entries(vm.config)) {
      if (!/^(scsi|virtio|ide|sata|unused)\d+$/.test(key)) continue;
      const properties = parsePropertyString(String(value), "file");
      const volid = properties.get("file") ?? "";
      if (!volid.startsWith(`${storage}:`) || /:(iso|import)\//.test(volid)) continue;
      const size = sizeBytes(properties.get("size") ?? "0");
      volumes.push({ volid, content: "images", format: "raw", size, vmid: Number(vmid) });
    }
  }
  return volumes;
}
