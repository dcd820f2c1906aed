import { deleteGuest } from "../guests/guest.ts";
import { failure } from "./errors.ts";
import { splitList } from "./fields.ts";
import type { Call } from "./route.ts";
import { guestPlace, unlockedVmOf } from "./simulator.ts";
import { isRunning } from "./vm-power.ts";

/** Removes a VM that is neither protected, locked nor running. */
export async function destroyVm(
  { sim, caller }: Call,
  node: string,
  vmid: number,
  purge: boolean,
): Promise<string> {
  const { config } = unlockedVmOf(sim, node, vmid);
  if (config.protection === 1) throw failure(`can't remove VM ${vmid} - protection mode enabled`);
  const place = guestPlace(sim, vmid);
  if (await isRunning(place)) throw failure(`VM ${vmid} is running - destroy failed`);
  const about = { node, type: "qmdestroy", id: String(vmid), user: caller.id };
  return sim.tasks.start(about, (log) =>
    sim.locks.with(vmid, async () => {
      if (await isRunning(place)) throw failure(`VM ${vmid} is running - destroy failed`);
      await deleteGuest(place);
      await sim.store.update((state) => {
        delete state.vms[vmid];
        for (const pool of Object.values(state.pools)) pool.vmids = pool.vmids.filter((id) => id !== vmid);
        if (!purge) return;
        for (const job of state.backupJobs) {
          if (job.vmid === undefined) continue;
          job.vmid = splitList(String(job.vmid))
            .filter((id) => id !== String(vmid))
            .join(",");
        }
        state.backupJobs = state.backupJobs.filter((job) => job.vmid !== "");
      });
      if (purge) log(`purging VM ${vmid} from related configurations..`);
    }),
  );
}
