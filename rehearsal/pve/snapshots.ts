import { createReadStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { archiveDisk, restoreDisk } from "../guests/disk-archive.ts";
import { killGuest } from "../guests/guest.ts";
import { failure } from "./errors.ts";
import { reasonOf } from "./pbs-storage.ts";
import { backedUpDrives } from "./qemu-conf.ts";
import { guestPlace, nowSeconds, type Simulator, unlockedVmOf, vmOf } from "./simulator.ts";
import type { Section, Snapshot, Vm } from "./state.ts";
import type { TaskLog } from "./tasks.ts";
import { isRunning, powerOn } from "./vm-power.ts";
import { layerOf, whileStill } from "./vzdump-guest.ts";

/** Options of the VM itself, which a snapshot neither holds nor brings back. */
const ofTheVm = /^(description|digest|lock|parent|unused\d+)$/;
const thinTypes = new Set(["btrfs", "lvmthin", "rbd", "zfspool"]);

/** The snapshot with a name; fails as the product does where there is none. */
export function snapshotNamed(vm: Vm, name: string): Snapshot {
  const found = vm.snapshots?.[name];
  if (found === undefined) throw failure(`snapshot '${name}' does not exist`);
  return found;
}

/** Fails where a snapshot cannot be taken; nothing is changed. */
export async function checkSnapshot(
  sim: Simulator,
  node: string,
  vmid: number,
  wanted: { readonly name: string; readonly vmstate: boolean },
): Promise<void> {
  const { config, snapshots = {} } = unlockedVmOf(sim, node, vmid);
  const { name } = wanted;
  if (["current", "pending"].includes(name.toLowerCase())) {
    throw failure(`unable to use snapshot name '${name}' (reserved name)`);
  }
  if (config.template === 1) throw failure("you can't take a snapshot if it's a template");
  if (snapshots[name] !== undefined) throw failure(`snapshot name '${name}' already used`);
  for (const drive of backedUpDrives(config)) {
    const file = String(config[drive]).split(",")[0] ?? "";
    const type = String(sim.store.state.storages[file.split(":")[0] ?? ""]?.type);
    if (!thinTypes.has(type) && !file.endsWith(".qcow2")) throw failure("snapshot feature is not available");
  }
  if (wanted.vmstate && (await isRunning(guestPlace(sim, vmid)))) {
    throw failure(
      "vmstate is not simulated: the memory of a container cannot be kept; take the snapshot without it",
    );
  }
}

/** Takes a snapshot of a guest's disk and configuration. A failure leaves neither a snapshot nor a lock. */
export async function takeSnapshot(
  sim: Simulator,
  node: string,
  vmid: number,
  { name, description }: { readonly name: string; readonly description: string | undefined },
  log: TaskLog,
): Promise<void> {
  await whileLocked(sim, node, vmid, "snapshot", async () => {
    const { config, images } = vmOf(sim, node, vmid);
    for (const drive of backedUpDrives(config))
      log(`snapshotting 'drive-${drive}' (${String(config[drive]).split(",")[0]})`);
    const file = snapshotFile(sim, vmid, name);
    await mkdir(join(file, ".."), { recursive: true });
    try {
      await whileStill(sim, vmid, () => archiveDisk(guestPlace(sim, vmid), layerOf(sim), `${file}.tmp`));
      await rename(`${file}.tmp`, file);
    } catch (error) {
      await rm(`${file}.tmp`, { force: true });
      throw failure(`snapshot create failed: ${reasonOf(error)}`);
    }
    await sim.store.update((state) => {
      const vm = state.vms[vmid];
      if (vm === undefined) return;
      const { parent } = vm.config;
      vm.snapshots = {
        ...vm.snapshots,
        [name]: {
          config: kept(vm.config),
          images,
          snaptime: nowSeconds(sim),
          ...(description === undefined ? {} : { description }),
          ...(parent === undefined ? {} : { parent: String(parent) }),
        },
      };
      vm.config.parent = name;
    });
  });
}

/** Puts disk and configuration back to a snapshot; a guest that runs is stopped for it. */
export async function rollBack(
  sim: Simulator,
  node: string,
  vmid: number,
  { name, start }: { readonly name: string; readonly start: boolean },
  log: TaskLog,
): Promise<void> {
  const place = guestPlace(sim, vmid);
  await whileLocked(sim, node, vmid, "rollback", async () => {
    const { config, images } = snapshotNamed(vmOf(sim, node, vmid), name);
    if (await isRunning(place)) await killGuest(place);
    for (const drive of backedUpDrives(config))
      log(`rolling back '${String(config[drive]).split(",")[0]}' to snapshot '${name}'`);
    await restoreDisk(place, layerOf(sim), createReadStream(snapshotFile(sim, vmid, name)));
    await sim.store.update((state) => {
      const vm = state.vms[vmid];
      if (vm === undefined) return;
      const own = Object.fromEntries(Object.entries(vm.config).filter(([key]) => ofTheVm.test(key)));
      vm.config = { ...config, ...own, parent: name };
      vm.images = images;
    });
  });
  if (start) await powerOn(sim, node, vmid, log);
}

/** Removes a snapshot; what was made after it has its parent from then on. */
export async function deleteSnapshot(
  sim: Simulator,
  node: string,
  vmid: number,
  name: string,
): Promise<void> {
  await whileLocked(sim, node, vmid, "snapshot-delete", async () => {
    const { parent } = snapshotNamed(vmOf(sim, node, vmid), name);
    await rm(snapshotFile(sim, vmid, name), { force: true });
    await sim.store.update((state) => {
      const vm = state.vms[vmid];
      if (vm?.snapshots === undefined) return;
      delete vm.snapshots[name];
      for (const child of [vm.config, ...Object.values(vm.snapshots)]) {
        if (child.parent !== name) continue;
        if (parent === undefined) delete child.parent;
        else child.parent = parent;
      }
    });
  });
}

/** Does something with a VM on which nothing else works meanwhile. */
async function whileLocked(
  sim: Simulator,
  node: string,
  vmid: number,
  lock: string,
  work: () => Promise<void>,
): Promise<void> {
  unlockedVmOf(sim, node, vmid);
  await sim.store.update((state) => {
    const vm = state.vms[vmid];
    if (vm !== undefined) vm.config.lock = lock;
  });
  try {
    await work();
  } finally {
    await sim.store.update((state) => {
      delete state.vms[vmid]?.config.lock;
    });
  }
}

function kept(config: Section): Section {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !ofTheVm.test(key)));
}

function snapshotFile(sim: Simulator, vmid: number, name: string): string {
  return join(guestPlace(sim, vmid).folder, "snapshots", `${name}.tar`);
}
