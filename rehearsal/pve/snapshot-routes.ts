import { boolean, node, pattern, text, vmid } from "./fields.ts";
import { type Call, type Route, route } from "./route.ts";
import { sectionDigest } from "./sections.ts";
import { guestPlace, unlockedVmOf, vmOf } from "./simulator.ts";
import { checkSnapshot, deleteSnapshot, rollBack, snapshotNamed, takeSnapshot } from "./snapshots.ts";
import type { TaskLog } from "./tasks.ts";
import { isRunning } from "./vm-power.ts";

const base = "/nodes/{node}/qemu/{vmid}/snapshot";
const target = { node: node(), vmid: vmid() };
const named = { ...target, snapname: pattern(/^[a-z][a-z0-9_-]{1,39}$/i, "invalid configuration ID") };

/** Snapshots of virtual machines. */
export const snapshotRoutes: Route[] = [
  route({
    method: "GET",
    path: base,
    params: target,
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Audit"]),
    run: async (params, { sim }) => {
      const { config, snapshots = {} } = vmOf(sim, params.node, params.vmid);
      const listed = Object.entries(snapshots).map(([name, { snaptime, parent, description = "" }]) => ({
        ...{ name, description, snaptime, vmstate: 0 },
        ...(parent === undefined ? {} : { parent }),
      }));
      const current = {
        ...{ name: "current", description: "You are here!", digest: sectionDigest(config) },
        running: (await isRunning(guestPlace(sim, params.vmid))) ? 1 : 0,
        ...(config.parent === undefined ? {} : { parent: config.parent }),
      };
      return [...listed, current];
    },
  }),
  route({
    method: "POST",
    path: base,
    params: { ...named, description: text().optional(), vmstate: boolean().optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Snapshot"]),
    run: async (params, call) => {
      const { snapname: name, description, vmstate = false } = params;
      await checkSnapshot(call.sim, params.node, params.vmid, { name, vmstate });
      return snapshotTask(call, params, "qmsnapshot", async (log) => {
        // Somebody may have been faster.
        await checkSnapshot(call.sim, params.node, params.vmid, { name, vmstate });
        await takeSnapshot(call.sim, params.node, params.vmid, { name, description }, log);
      });
    },
  }),
  route({
    method: "GET",
    path: `${base}/{snapname}`,
    params: named,
    run: (params, { sim }) => {
      snapshotNamed(vmOf(sim, params.node, params.vmid), params.snapname);
      return [{ cmd: "rollback" }, { cmd: "config" }];
    },
  }),
  route({
    method: "DELETE",
    path: `${base}/{snapname}`,
    params: { ...named, force: boolean().optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Snapshot"]),
    run: (params, call) => {
      snapshotNamed(unlockedVmOf(call.sim, params.node, params.vmid), params.snapname);
      return snapshotTask(call, params, "qmdelsnapshot", () =>
        deleteSnapshot(call.sim, params.node, params.vmid, params.snapname),
      );
    },
  }),
  route({
    method: "GET",
    path: `${base}/{snapname}/config`,
    params: named,
    permit: (caller, params) =>
      caller.require(`/vms/${params.vmid}`, ["VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"], true),
    run: (params, { sim }) => {
      const {
        config,
        images: _,
        ...about
      } = snapshotNamed(vmOf(sim, params.node, params.vmid), params.snapname);
      return {
        ...config,
        ...about,
        ...(config.cipassword === undefined ? {} : { cipassword: "**********" }),
      };
    },
  }),
  route({
    method: "PUT",
    path: `${base}/{snapname}/config`,
    params: { ...named, description: text().optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Snapshot"]),
    run: async ({ description, ...params }, { sim }) => {
      snapshotNamed(unlockedVmOf(sim, params.node, params.vmid), params.snapname);
      if (description === undefined) return;
      await sim.store.update((state) => {
        const vm = state.vms[params.vmid];
        if (vm !== undefined) snapshotNamed(vm, params.snapname).description = description;
      });
    },
  }),
  route({
    method: "POST",
    path: `${base}/{snapname}/rollback`,
    params: { ...named, start: boolean().optional() },
    permit: (caller, params) =>
      caller.require(`/vms/${params.vmid}`, ["VM.Snapshot", "VM.Snapshot.Rollback"], true),
    run: (params, call) => {
      snapshotNamed(unlockedVmOf(call.sim, params.node, params.vmid), params.snapname);
      const wanted = { name: params.snapname, start: params.start ?? false };
      return snapshotTask(call, params, "qmrollback", (log) =>
        rollBack(call.sim, params.node, params.vmid, wanted, log),
      );
    },
  }),
];

function snapshotTask(
  { sim, caller }: Call,
  params: { readonly node: string; readonly vmid: number },
  type: string,
  work: (log: TaskLog) => Promise<void>,
): Promise<string> {
  const about = { node: params.node, type, id: String(params.vmid), user: caller.id };
  return sim.tasks.start(about, (log) => sim.locks.with(params.vmid, () => work(log)));
}
