import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { restoreDisk } from "../guests/disk-archive.ts";
import { deleteGuest } from "../guests/guest.ts";
import { keepImage } from "../guests/mounts.ts";
import { sha256OfFile } from "../image/build.ts";
import { readBackup } from "../pbs/backup-client.ts";
import type { Caller } from "./auth.ts";
import { requireBackup } from "./backup-content-routes.ts";
import { failure, parameterError } from "./errors.ts";
import { boolean, integer, storageId, text } from "./fields.ts";
import { reasonOf, snapshotOf, targetOf } from "./pbs-storage.ts";
import { formatPropertyString, parsePropertyString } from "./property-string.ts";
import { type BackedUpVm, backedUpDrives, parseConf } from "./qemu-conf.ts";
import type { Call } from "./route.ts";
import { guestPlace, imagesFolder, nodeOf, type Simulator } from "./simulator.ts";
import { type Section, toSection } from "./state.ts";
import type { TaskLog } from "./tasks.ts";
import { withStorageLock } from "./vm-disks.ts";
import { requireFreeId, reserveId } from "./vm-ids.ts";
import { storedNic } from "./vm-nics.ts";
import { requireVmOptions } from "./vm-permissions.ts";
import { isRunning, powerOn } from "./vm-power.ts";
import { requireContent, storageOf } from "./volumes.ts";
import { layerArchive, layerOf } from "./vzdump-guest.ts";

/** Parameters of a create that make it a restore. */
export const restoreOnly = {
  archive: text(255).optional(),
  storage: storageId().optional(),
  force: boolean().optional(),
  unique: boolean().optional(),
  "live-restore": boolean().optional(),
  bwlimit: integer(0).optional(),
};

export interface Restore {
  readonly node: string;
  readonly vmid: number;
  readonly archive: string;
  readonly storage?: string | undefined;
  readonly pool?: string | undefined;
  readonly force?: boolean | undefined;
  readonly unique?: boolean | undefined;
  readonly start?: boolean | undefined;
  readonly live?: boolean | undefined;
}

/** Fails where something that only a restore knows is asked of a create. */
export function checkRestoreOnly(given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) {
      throw parameterError({ [name]: `missing property - '${name}' requires property 'archive'` });
    }
  }
}

/**
 * Fails with 403 unless the caller may restore: into a new guest with the right to make it, over one that is there also
 * with the right to back it up. A guest's own backup is its own; that of another takes the right to back that up.
 */
export function requireRestore(
  caller: Caller,
  params: Omit<Restore, "archive" | "live"> & { archive?: string | undefined },
  sim: Simulator,
): void {
  const { node: _, vmid, pool, archive = "", storage, force, start, ...options } = params;
  const mayMake =
    caller.may(`/vms/${vmid}`, "VM.Allocate") ||
    (pool !== undefined && caller.may(`/pool/${pool}`, "VM.Allocate")) ||
    (force === true && sim.store.state.vms[vmid] !== undefined && caller.may(`/vms/${vmid}`, "VM.Backup"));
  if (!mayMake) caller.require(`/vms/${vmid}`, ["VM.Allocate"]);
  if (snapshotOf(archive)?.snapshot.id !== String(vmid)) requireBackup(caller, archive);
  if (storage !== undefined) caller.require(`/storage/${storage}`, ["Datastore.AllocateSpace"]);
  if (start === true) caller.require(`/vms/${vmid}`, ["VM.PowerMgmt"]);
  const overrides = Object.entries(options).filter(([name]) => !(name in restoreOnly));
  requireVmOptions(caller, vmid, Object.fromEntries(overrides), pool);
}

/** Fails unless the caller may use the storages and bridges that the backup's configuration names. */
function requirePlaces(caller: Caller, config: Section, storages: readonly string[]): void {
  for (const storage of storages) caller.require(`/storage/${storage}`, ["Datastore.AllocateSpace"]);
  for (const [name, value] of Object.entries(config)) {
    const bridge = /^net\d+$/.test(name) ? /(?:^|,)bridge=([^,]+)/.exec(String(value))?.[1] : undefined;
    if (bridge !== undefined) caller.require(`/sdn/zones/localnetwork/${bridge}`, ["SDN.Use"]);
  }
}

/** Makes a guest of a backup. Where it fails nothing is left; a guest that it was to replace is gone by then. */
export async function restoreVm({ sim, caller }: Call, wanted: Restore): Promise<string> {
  const { node, vmid, archive, storage, pool, force, unique, start, live, ...overrides } = wanted;
  nodeOf(sim, node);
  const named = snapshotOf(archive);
  if (named === undefined) throw failure(`unable to parse volume ID '${archive}'`);
  if (live === true) {
    throw failure(
      "live-restore is not simulated: a container cannot run on a disk that is not there yet; restore with start=1",
    );
  }
  await requireReplaceable(sim, node, vmid, force ?? false);
  if (pool !== undefined && sim.store.state.pools[pool] === undefined) {
    throw failure(`pool '${pool}' does not exist`);
  }
  if (storage !== undefined) requireContent(storage, storageOf(sim, storage, node), "images");
  const release = reserveId(sim, vmid);
  const about = { node, type: "qmrestore", id: String(vmid), user: caller.id };
  return sim.tasks.start(about, (log) =>
    sim.locks
      .with(vmid, async () => {
        await restore({ sim, caller }, { ...wanted, overrides: toSection(overrides) }, log);
        if (start === true) await powerOn(sim, node, vmid, log);
      })
      .finally(release),
  );
}

async function requireReplaceable(sim: Simulator, node: string, vmid: number, force: boolean): Promise<void> {
  const existing = sim.store.state.vms[vmid];
  if (existing === undefined || !force) return requireFreeId(sim, node, vmid, "restore");
  if (existing.node !== node) return requireFreeId(sim, node, vmid, "restore");
  if (existing.config.lock !== undefined) throw failure(`VM is locked (${existing.config.lock})`);
  const refusal = `unable to restore VM ${vmid}`;
  if (existing.config.protection === 1) throw failure(`${refusal} - protection mode enabled`);
  if (await isRunning(guestPlace(sim, vmid))) throw failure(`${refusal} - vm is running`);
}

async function restore(
  { sim, caller }: Call,
  wanted: Restore & { overrides: Section },
  log: TaskLog,
): Promise<void> {
  const { node, vmid, archive } = wanted;
  const named = snapshotOf(archive);
  if (named === undefined) throw failure(`unable to parse volume ID '${archive}'`);
  const target = await targetOf(sim, named.storage, node);
  // Who unpacks what cannot be read only sees that it ends early.
  let unreadable: unknown;
  const read = async (file: string) =>
    watched(await readBackup(target, named.snapshot, file), (error) => {
      unreadable = error;
    });
  const place = guestPlace(sim, vmid);
  log(`connecting to repository '${target.username}@${target.server}:${target.datastore}'`);
  const saved = parseConf(await textOf(await read("qemu-server.conf.blob")));
  const config = restoredConfig(saved, wanted);
  const storages = [
    ...new Set(backedUpDrives(config).map((drive) => String(config[drive]).split(":")[0] ?? "")),
  ];
  requirePlaces(caller, config, storages);
  for (const storage of storages) requireContent(storage, storageOf(sim, storage, node), "images");
  await deleteGuest(place);
  await sim.store.update((state) => {
    delete state.vms[vmid];
  });
  try {
    await withStorageLock(sim, node, storages, async () => {
      for (const drive of backedUpDrives(config))
        log(`new volume ID is '${String(config[drive]).split(",")[0]}'`);
      log(`starting to restore snapshot '${archive.split("backup/")[1]}'`);
      for (const [drive, sha256] of Object.entries(saved.images)) {
        await restoreImage(sim, vmid, await read(`drive-${drive}.img.fidx`), sha256);
      }
      await restoreDisk(place, layerOf(sim), await read(layerArchive));
      log("restore image complete");
    });
  } catch (error) {
    await deleteGuest(place);
    throw failure(`restore failed: ${reasonOf(unreadable ?? error)}`);
  }
  await sim.store.update((state) => {
    state.vms[vmid] = { node, config, images: saved.images };
    const pool = wanted.pool === undefined ? undefined : state.pools[wanted.pool];
    if (pool && !pool.vmids.includes(vmid)) pool.vmids.push(vmid);
  });
  log("rescan volumes...");
}

/** The configuration of the new guest: its disks have its own names, and where asked its own hardware addresses. */
function restoredConfig(
  { config: saved }: BackedUpVm,
  { vmid, storage, unique, overrides }: Restore & { overrides: Section },
): Section {
  const config: Section = { ...saved, ...overrides, vmgenid: randomUUID() };
  for (const key of Object.keys(config)) {
    if (/^unused\d+$/.test(key)) delete config[key];
    if (/^(scsi|virtio|sata|ide)\d+$/.test(key)) {
      const properties = parsePropertyString(String(config[key]), "file");
      const file = (properties.get("file") ?? "").replaceAll(/vm-\d+-/g, `vm-${vmid}-`);
      properties.set("file", storage === undefined ? file : file.replace(/^[^:]+/, storage));
      config[key] = formatPropertyString(properties, "file");
    }
    if (unique === true && /^net\d+$/.test(key)) {
      config[key] = storedNic(String(config[key]).replace(/=([0-9A-F]{2}:){5}[0-9A-F]{2}/i, ""));
    }
  }
  if (unique === true) config.smbios1 = `uuid=${randomUUID()}`;
  return config;
}

/** Keeps the image under the guest's disk, unless this cluster has it. */
async function restoreImage(
  sim: Simulator,
  vmid: number,
  content: AsyncIterable<Uint8Array>,
  sha256: string,
): Promise<void> {
  const folder = join(sim.folder, "tmp");
  const file = join(folder, `restore-${vmid}.img`);
  await mkdir(folder, { recursive: true });
  try {
    await pipeline(Readable.from(content), createWriteStream(file));
    const found = await sha256OfFile(file);
    if (found !== sha256) throw new Error(`the image has the digest ${found} instead of ${sha256}`);
    await keepImage(imagesFolder(sim), file, sha256);
  } finally {
    await rm(file, { force: true });
  }
}

/** The same content; tells of the error with which it ends. */
async function* watched(
  content: AsyncIterable<Uint8Array>,
  tell: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    tell(error);
    throw error;
  }
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
