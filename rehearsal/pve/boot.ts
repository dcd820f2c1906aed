import { guestPlace, type Simulator } from "./simulator.ts";
import { isRunning, powerOn } from "./vm-power.ts";

/** A node that boots takes away the locks of backups that its end cut short; others stay for somebody to look at. */
export async function removeLeftOverLocks(sim: Simulator, node?: string): Promise<void> {
  await sim.store.update((state) => {
    for (const vm of Object.values(state.vms)) {
      if (vm.config.lock === "backup" && (node ?? vm.node) === vm.node) delete vm.config.lock;
    }
  });
}

/**
 * What a node does when it boots: starts the guests that are marked for it (`onboot`) and do not run. A guest that
 * cannot start is a failed task, as on a node, and holds up no other.
 *
 * @param node only this one; default all
 */
export async function bootNodes(sim: Simulator, node?: string): Promise<void> {
  await Promise.all(
    Object.entries(sim.store.state.vms).map(async ([id, vm]) => {
      const vmid = Number(id);
      if ((node ?? vm.node) !== vm.node || sim.store.state.offlineNodes.includes(vm.node)) return;
      if (Number(vm.config.onboot ?? 0) !== 1 || (await isRunning(guestPlace(sim, vmid)))) return;
      const about = { node: vm.node, type: "qmstart", id, user: "root@pam" };
      await sim.tasks.start(about, (log) => sim.locks.with(vmid, () => powerOn(sim, vm.node, vmid, log)));
    }),
  );
  await sim.tasks.settle();
}
