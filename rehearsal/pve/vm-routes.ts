import { randomUUID } from "node:crypto";
import type { Caller } from "./auth.ts";
import { failure, parameterError } from "./errors.ts";
import { boolean, node, oneOf, parsed, pattern, splitList, vmDigest, vmid } from "./fields.ts";
import { configId, listOf } from "./formats.ts";
import { formatPropertyString, parsePropertyString } from "./property-string.ts";
import { checkRestoreOnly, requireRestore, restoreOnly, restoreVm } from "./restore.ts";
import { type Call, type Route, route } from "./route.ts";
import { sectionDigest } from "./sections.ts";
import { guestPlace, nodeOf, type Simulator, unlockedVmOf, vmOf } from "./simulator.ts";
import { type Section, toSection } from "./state.ts";
import { changedConfig } from "./vm-change.ts";
import { destroyVm } from "./vm-destroy.ts";
import { grownSize, newDiskStorages, prepareDrives, withStorageLock } from "./vm-disks.ts";
import { requireFreeId, reserveId } from "./vm-ids.ts";
import { storedNic } from "./vm-nics.ts";
import { createOnly, diskSlots, vmOptions } from "./vm-options.ts";
import { currentConfig, shownPending } from "./vm-pending.ts";
import { requireVmOptions } from "./vm-permissions.ts";
import { isRunning, powerOn } from "./vm-power.ts";
import { summary } from "./vm-summary.ts";

const target = { node: node(), vmid: vmid() };
const change = {
  ...target,
  ...vmOptions,
  delete: parsed(listOf(configId)).optional(),
  digest: vmDigest().optional(),
};
const configPrivileges = ["Disk", "CDROM", "CPU", "Memory", "Network", "HWType", "Options", "Cloudinit"].map(
  (name) => `VM.Config.${name}`,
);
const drives = Object.entries(diskSlots).flatMap(([name, count]) =>
  Array.from({ length: count }, (_, index) => `${name}${index}`),
);

/** Virtual machines and their configuration. */
export const vmRoutes: Route[] = [
  route({
    method: "GET",
    path: "/nodes/{node}/qemu",
    params: { node: node(), full: boolean().optional() },
    run: async (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      const rows: unknown[] = [];
      for (const [id, vm] of Object.entries(sim.store.state.vms)) {
        if (vm.node !== params.node || !caller.may(`/vms/${id}`, "VM.Audit")) continue;
        rows.push(summary(Number(id), vm, await isRunning(guestPlace(sim, Number(id)))));
      }
      return rows;
    },
  }),
  route({
    method: "POST",
    path: "/nodes/{node}/qemu",
    params: { node: node(), ...createOnly, ...restoreOnly, ...vmOptions },
    permit: (caller, params, sim) => {
      if (params.archive !== undefined) return requireRestore(caller, params, sim);
      const { node: _, vmid, pool, start, ...options } = params;
      if (pool === undefined || !caller.may(`/pool/${pool}`, "VM.Allocate")) {
        caller.require(`/vms/${vmid}`, ["VM.Allocate"]);
      }
      if (start === true) caller.require(`/vms/${vmid}`, ["VM.PowerMgmt"]);
      for (const name of Object.keys(restoreOnly)) delete (options as Record<string, unknown>)[name];
      requireVmOptions(caller, vmid, options, pool);
    },
    run: ({ archive, force, unique, storage, "live-restore": live, bwlimit: _, ...params }, call) => {
      if (archive === undefined) {
        checkRestoreOnly({ force, unique, "live-restore": live });
        return createVm(call, params);
      }
      return restoreVm(call, { ...params, archive, force, unique, storage, live });
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/qemu/{vmid}/config",
    params: { ...target, current: boolean().optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Audit"]),
    run: async (params, { sim }) => {
      const vm = vmOf(sim, params.node, params.vmid);
      const isUp = params.current === true && (await isRunning(guestPlace(sim, params.vmid)));
      const shown: Section = { ...currentConfig(vm, isUp), digest: sectionDigest(vm.config) };
      if (shown.cipassword !== undefined) shown.cipassword = "**********";
      return shown;
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/qemu/{vmid}/pending",
    params: target,
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Audit"]),
    run: async (params, { sim }) => {
      const vm = vmOf(sim, params.node, params.vmid);
      return shownPending(vm, await isRunning(guestPlace(sim, params.vmid)));
    },
  }),
  route({
    method: "PUT",
    path: "/nodes/{node}/qemu/{vmid}/config",
    params: change,
    permit: requireChange,
    run: ({ node, vmid, ...given }, { sim }) => sim.locks.with(vmid, () => changeVm(sim, node, vmid, given)),
  }),
  route({
    method: "POST",
    path: "/nodes/{node}/qemu/{vmid}/config",
    params: change,
    permit: requireChange,
    run: ({ node, vmid, ...given }, { sim, caller }) => {
      vmOf(sim, node, vmid);
      const about = { node, type: "qmconfig", id: String(vmid), user: caller.id };
      return sim.tasks.start(about, () => sim.locks.with(vmid, () => changeVm(sim, node, vmid, given)));
    },
  }),
  route({
    method: "PUT",
    path: "/nodes/{node}/qemu/{vmid}/resize",
    params: {
      ...target,
      disk: oneOf(drives as [string, ...string[]]),
      size: pattern(/^\+?\d+(\.\d+)?[KMGT]?$/),
      digest: vmDigest().optional(),
    },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Config.Disk"]),
    run: ({ node, vmid, disk, size, digest: expected }, { sim, caller }) => {
      checkDigest(unlockedVmOf(sim, node, vmid).config, expected);
      const about = { node, type: "resize", id: String(vmid), user: caller.id };
      return sim.tasks.start(about, () =>
        sim.locks.with(vmid, async () => {
          await sim.store.update((state) => {
            const config = state.vms[vmid]?.config;
            if (config?.[disk] === undefined) throw failure(`disk '${disk}' does not exist`);
            const properties = parsePropertyString(String(config[disk]), "file");
            properties.set("size", grownSize(properties.get("size") ?? "0", size));
            config[disk] = formatPropertyString(properties, "file");
          });
        }),
      );
    },
  }),
  route({
    method: "DELETE",
    path: "/nodes/{node}/qemu/{vmid}",
    params: { ...target, purge: boolean().optional(), "destroy-unreferenced-disks": boolean().optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Allocate"]),
    run: async (params, call) => destroyVm(call, params.node, params.vmid, params.purge ?? false),
  }),
];

async function createVm(
  { sim, caller }: Call,
  {
    node,
    vmid,
    pool,
    start,
    ...options
  }: { node: string; vmid: number; pool?: string | undefined; start?: boolean | undefined },
): Promise<string> {
  nodeOf(sim, node);
  requireFreeId(sim, node, vmid, "create");
  if (pool !== undefined && sim.store.state.pools[pool] === undefined)
    throw failure(`pool '${pool}' does not exist`);
  const given = toSection(options);
  const release = reserveId(sim, vmid);
  const about = { node, type: "qmcreate", id: String(vmid), user: caller.id };
  return sim.tasks.start(about, async (log) => {
    try {
      await sim.locks.with(vmid, async () => {
        const prepared = await withStorageLock(sim, node, newDiskStorages(given), () =>
          prepareDrives(sim, node, vmid, given, {}),
        );
        for (const [drive, value] of Object.entries(prepared.drives))
          log(`${drive}: successfully created disk '${value}'`);
        const config = { ...given, ...prepared.drives, ...storedNics(given), ...created(given) };
        await sim.store.update((state) => {
          state.vms[vmid] = { node, config, images: prepared.images };
          if (pool !== undefined) state.pools[pool]?.vmids.push(vmid);
        });
        if (start === true) await powerOn(sim, node, vmid, log);
      });
    } finally {
      release();
    }
  });
}

async function changeVm(
  sim: Simulator,
  node: string,
  vmid: number,
  {
    delete: removed,
    digest: expected,
    ...options
  }: { delete?: string | undefined; digest?: string | undefined },
): Promise<void> {
  const before = unlockedVmOf(sim, node, vmid).config;
  checkDigest(before, expected);
  const given = toSection(options);
  const keys = splitList(removed);
  if (keys.length === 0 && Object.keys(given).length === 0)
    throw parameterError({ vmid: "no options specified" });
  for (const key of keys) {
    if (key in given)
      throw parameterError({ delete: `you can't use '-${key}' and -delete ${key}' at the same time` });
  }
  const prepared = await prepareDrives(sim, node, vmid, given, before);
  await sim.store.update((state) => {
    const vm = state.vms[vmid];
    if (vm === undefined) throw failure(`VM ${vmid} was removed meanwhile`);
    vm.config = changedConfig(vm.config, { ...given, ...prepared.drives, ...storedNics(given) }, keys);
    Object.assign(vm.images, prepared.images);
  });
}

function requireChange(
  caller: Caller,
  { node: _, vmid, ...options }: { node: string; vmid: number; delete?: string | undefined },
): void {
  caller.require(`/vms/${vmid}`, configPrivileges, true);
  const names = splitList(options.delete);
  const unknown = names.find((name) => !Object.hasOwn(vmOptions, name) && !/^unused\d+$/.test(name));
  if (unknown !== undefined) throw parameterError({ delete: `unknown option '${unknown}'` });
  const removed = Object.fromEntries(names.map((name) => [name, ""]));
  requireVmOptions(caller, vmid, { ...removed, ...options });
}

function storedNics(given: Section): Section {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) =>
      /^net\d+$/.test(key) ? [[key, storedNic(String(value))]] : [],
    ),
  );
}

function created(given: Section): Section {
  return {
    meta: `creation-qemu=10.1.2,ctime=${Math.floor(Date.now() / 1000)}`,
    vmgenid: randomUUID(),
    ...(/uuid=/.test(String(given.smbios1 ?? "")) ? {} : { smbios1: `uuid=${randomUUID()}` }),
  };
}

function checkDigest(config: Section, expected: string | undefined): void {
  if (expected !== undefined && expected !== sectionDigest(config)) {
    throw failure("detected modified configuration - file changed by other user? Try again.");
  }
}
