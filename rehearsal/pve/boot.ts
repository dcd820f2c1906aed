import { guestPlace, type Simulator } from "./simulator.ts";
import { isRunning, powerOn } from "./vm-power.ts";

/**
 * What a node does when it boots: starts the guests that are marked for it (`onboot`) and do not run. A guest that
 * cannot start is a failed task, as on a node, and holds up no other.
 */
export async function bootNodes(sim: Simulator): Promise<void> {
  await Promise.all(
    Object.entries(sim.store.state.vms).map(async ([id, vm]) => {
      const vmid = Number(id);
      if (Number(vm.config.onboot ?? 0) !== 1 || (await isRunning(guestPlace(sim, vmid)))) return;
      const about = { node: vm.node, type: "qmstart", id, user: "root@pam" };
      await sim.tasks.start(about, (log) => sim.locks.with(vmid, () => powerOn(sim, vm.node, vmid, log)));
    }),
  );
  await sim.tasks.settle();
}
