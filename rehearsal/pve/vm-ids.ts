import { failure } from "./errors.ts";
import type { Simulator } from "./simulator.ts";

/** Ids of VMs whose making has begun: the product reserves an id before the disks are made. */
const reserved = new WeakMap<Simulator, Set<number>>();

/** Fails where an id is taken, as the product does. */
export function requireFreeId(sim: Simulator, node: string, vmid: number, action: string): void {
  const existing = sim.store.state.vms[vmid];
  if (existing === undefined && !reserved.get(sim)?.has(vmid)) return;
  throw failure(
    `unable to ${action} VM ${vmid} - VM ${vmid} already exists on node '${existing?.node ?? node}'`,
  );
}

/** Keeps an id for a VM that is being made; gives what ends that. */
export function reserveId(sim: Simulator, vmid: number): () => void {
  const ids = reserved.get(sim) ?? new Set();
  reserved.set(sim, ids);
  ids.add(vmid);
  return () => ids.delete(vmid);
}
