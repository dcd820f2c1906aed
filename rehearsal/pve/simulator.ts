import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { GuestPlace } from "../guests/guest.ts";
import type { SimulatorConfig } from "./config.ts";
import { ApiError, failure } from "./errors.ts";
import { Locks } from "./locks.ts";
import { Store, type Vm } from "./state.ts";
import { Tasks } from "./tasks.ts";
import { openTicketKey, type TicketKey } from "./tickets.ts";

/** One call of the API as it was made. */
export interface ObservedCall {
  readonly method: string;
  /** As in the API's description. */
  readonly path: string;
  readonly params: Record<string, unknown>;
}

/** The simulated cluster: configuration, state, tasks and where its files are. */
export interface Simulator {
  config: SimulatorConfig;
  /** State folder, absolute. */
  folder: string;
  store: Store;
  tasks: Tasks;
  locks: Locks;
  ticketKey: TicketKey;
  /** Told of every call with parameters that are right, before it is permitted: tests record with it. */
  observe?(call: ObservedCall): void;
  /** Unix time in milliseconds; a test may set it. */
  clock(): number;
}

/** Opens the cluster of a state folder, making it on first use. Running guests are found again. */
export async function openSimulator(folder: string, config: SimulatorConfig): Promise<Simulator> {
  const absolute = resolve(folder);
  await mkdir(absolute, { recursive: true, mode: 0o700 });
  // What a killed simulator was about to send or to unpack.
  await rm(join(absolute, "tmp"), { recursive: true, force: true });
  return {
    config,
    folder: absolute,
    store: await Store.open(absolute, config),
    tasks: await Tasks.open(join(absolute, "tasks")),
    locks: new Locks(config.lockTimeoutSeconds),
    ticketKey: await openTicketKey(join(absolute, "priv", "authkey")),
    clock: Date.now,
  };
}

/** Unix time in seconds, by the cluster's clock. */
export function nowSeconds(sim: Simulator): number {
  return Math.floor(sim.clock() / 1000);
}

/** The configured node with a name; fails as a real cluster does for an unknown one, and for one that is off. */
export function nodeOf(sim: Simulator, name: string): SimulatorConfig["nodes"][number] {
  const node = sim.config.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw failure(`no such cluster node '${name}'`);
  if (sim.store.state.offlineNodes.includes(name)) throw new ApiError(595, "No route to host");
  return node;
}

/** The VM with an id on a node; fails as a real node does for one that is not there. */
export function vmOf(sim: Simulator, node: string, vmid: number): Vm {
  nodeOf(sim, node);
  const vm = sim.store.state.vms[vmid];
  if (vm === undefined || vm.node !== node) {
    throw failure(`Configuration file 'nodes/${node}/qemu-server/${vmid}.conf' does not exist`);
  }
  return vm;
}

/** The VM with an id on a node, unless something else works on it. */
export function unlockedVmOf(sim: Simulator, node: string, vmid: number): Vm {
  const vm = vmOf(sim, node, vmid);
  if (vm.config.lock !== undefined) throw failure(`VM is locked (${vm.config.lock})`);
  return vm;
}

/** Where a VM's guest lives on this machine. */
export function guestPlace(sim: Simulator, vmid: number): GuestPlace {
  return { instanceId: sim.config.instanceId, vmid, folder: join(sim.folder, "guests", String(vmid)) };
}

/** Where guest images are kept and mounted. */
export function imagesFolder(sim: Simulator): string {
  return join(sim.folder, "images");
}
