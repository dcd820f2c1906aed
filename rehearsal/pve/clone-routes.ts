import { randomUUID } from "node:crypto";
import { copyDisk } from "../guests/disk-archive.ts";
import { deleteGuest } from "../guests/guest.ts";
import { failure } from "./errors.ts";
import { boolean, integer, node, oneOf, parsed, pattern, storageId, text, vmid } from "./fields.ts";
import { poolName } from "./formats.ts";
import { formatPropertyString, parsePropertyString } from "./property-string.ts";
import { type Route, route } from "./route.ts";
import { guestPlace, nodeOf, type Simulator, unlockedVmOf } from "./simulator.ts";
import type { Section } from "./state.ts";
import type { TaskLog } from "./tasks.ts";
import { withStorageLock } from "./vm-disks.ts";
import { requireFreeId, reserveId } from "./vm-ids.ts";
import { storedNic } from "./vm-nics.ts";
import { isRunning } from "./vm-power.ts";
import { requireContent, storageOf } from "./volumes.ts";
import { layerOf } from "./vzdump-guest.ts";

const base = "/nodes/{node}/qemu/{vmid}";
const isTemplate = (config: Section) => config.template === 1;

/** Copies of guests, and templates to copy. */
export const cloneRoutes: Route[] = [
  route({
    method: "POST",
    path: `${base}/clone`,
    params: {
      node: node(),
      vmid: vmid(),
      newid: vmid(),
      full: boolean().optional(),
      name: pattern(
        /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i,
        "value does not look like a valid DNS name",
      ).optional(),
      description: text().optional(),
      pool: parsed(poolName).optional(),
      storage: storageId().optional(),
      target: node().optional(),
      format: oneOf(["raw", "qcow2", "vmdk"]).optional(),
      bwlimit: integer(0).optional(),
    },
    permit: (caller, params) => {
      caller.require(`/vms/${params.vmid}`, ["VM.Clone"]);
      if (params.pool === undefined || !caller.may(`/pool/${params.pool}`, "VM.Allocate")) {
        caller.require(`/vms/${params.newid}`, ["VM.Allocate"]);
      }
      if (params.storage !== undefined)
        caller.require(`/storage/${params.storage}`, ["Datastore.AllocateSpace"]);
    },
    run: ({ node: name, vmid: id, newid, ...wanted }, { sim, caller }) => {
      const { config } = unlockedVmOf(sim, name, id);
      nodeOf(sim, wanted.target ?? name);
      const full = wanted.full ?? !isTemplate(config);
      if (!full && !isTemplate(config)) {
        throw failure("Linked clone feature is not supported for drive 'scsi0': the VM is no template");
      }
      if (!full && wanted.storage !== undefined) {
        throw failure("parameter verification failed - option 'storage' is only allowed for full clones");
      }
      if (wanted.target !== undefined && wanted.target !== name) {
        throw failure(`can't clone VM to node '${wanted.target}' (VM uses local storage)`);
      }
      if (wanted.storage !== undefined) {
        requireContent(wanted.storage, storageOf(sim, wanted.storage, name), "images");
      }
      if (wanted.pool !== undefined && sim.store.state.pools[wanted.pool] === undefined) {
        throw failure(`pool '${wanted.pool}' does not exist`);
      }
      requireFreeId(sim, name, newid, "create");
      const release = reserveId(sim, newid);
      const about = { node: name, type: "qmclone", id: String(id), user: caller.id };
      return sim.tasks.start(about, (log) =>
        sim.locks
          .with(newid, () => clone(sim, { ...wanted, full, node: name, vmid: id, newid }, log))
          .finally(release),
      );
    },
  }),
  route({
    method: "POST",
    path: `${base}/template`,
    params: { node: node(), vmid: vmid() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Allocate"]),
    run: async ({ node: name, vmid: id }, { sim, caller }) => {
      const { config, snapshots = {} } = unlockedVmOf(sim, name, id);
      if (Object.keys(snapshots).length > 0)
        throw failure("unable to create template, because VM contains snapshots");
      if (isTemplate(config)) throw failure("you can't convert a template to a template");
      if (await isRunning(guestPlace(sim, id)))
        throw failure("you can't convert a VM to template if VM is running");
      const about = { node: name, type: "qmtemplate", id: String(id), user: caller.id };
      return sim.tasks.start(about, () =>
        sim.locks.with(id, async () => {
          await sim.store.update((state) => {
            const target = state.vms[id];
            if (target !== undefined) target.config.template = 1;
          });
        }),
      );
    },
  }),
];

interface Clone {
  readonly node: string;
  readonly vmid: number;
  readonly newid: number;
  readonly full: boolean;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly storage?: string | undefined;
  readonly pool?: string | undefined;
}

async function clone(sim: Simulator, wanted: Clone, log: TaskLog): Promise<void> {
  const { node: name, vmid: id, newid } = wanted;
  const source = unlockedVmOf(sim, name, id);
  const config = clonedConfig(source.config, wanted);
  const drives = Object.keys(config).filter((key) => /^(scsi|virtio|sata)\d+$/.test(key));
  const storages = [...new Set(drives.map((drive) => String(config[drive]).split(":")[0] ?? ""))];
  try {
    await withStorageLock(sim, name, storages, async () => {
      for (const drive of drives) {
        const how = wanted.full ? "full" : "linked";
        log(`create ${how} clone of drive ${drive} (${String(source.config[drive]).split(",")[0]})`);
      }
      await copyDisk(guestPlace(sim, id), guestPlace(sim, newid), layerOf(sim));
    });
  } catch (error) {
    await deleteGuest(guestPlace(sim, newid));
    throw failure(`clone failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  await sim.store.update((state) => {
    state.vms[newid] = { node: name, config, images: source.images };
    if (wanted.pool !== undefined) state.pools[wanted.pool]?.vmids.push(newid);
  });
}

/** The copy's configuration: no template, with identifiers of its own. */
function clonedConfig(source: Section, { vmid: id, newid, storage, name, description }: Clone): Section {
  const {
    template: _,
    lock: __,
    parent: ___,
    ...config
  }: Section = { ...source, vmgenid: randomUUID(), smbios1: `uuid=${randomUUID()}` };
  config.name = name ?? `Copy-of-VM-${source.name ?? id}`;
  if (description !== undefined) config.description = description;
  for (const key of Object.keys(config)) {
    if (/^unused\d+$/.test(key)) delete config[key];
    if (/^net\d+$/.test(key)) {
      config[key] = storedNic(String(config[key]).replace(/=([0-9A-F]{2}:){5}[0-9A-F]{2}/i, ""));
    }
    if (/^(scsi|virtio|sata|ide)\d+$/.test(key)) {
      const properties = parsePropertyString(String(config[key]), "file");
      const file = (properties.get("file") ?? "").replaceAll(/(vm|base)-\d+-/g, `vm-${newid}-`);
      properties.set("file", storage === undefined ? file : file.replace(/^[^:]+/, storage));
      config[key] = formatPropertyString(properties, "file");
    }
  }
  return config;
}
