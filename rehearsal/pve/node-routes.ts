import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { killGuest } from "../guests/guest.ts";
import { bootNodes, removeLeftOverLocks } from "./boot.ts";
import { failure, parameterError } from "./errors.ts";
import { requestCaller } from "./request-caller.ts";
import { guestPlace, type Simulator } from "./simulator.ts";

const url = "/sim/nodes/:node";
const wanted = z.strictObject({ status: z.enum(["online", "offline"]) });

/**
 * A node's power plug: `PUT /sim/nodes/{node}` with `{"status": "offline"}` ends its guests at once, and calls for it
 * have no route to it; `online` boots it, with the guests that start with it.
 */
export function addNodeRoutes(server: FastifyInstance, sim: Simulator): void {
  server.put<{ Params: { node: string } }>(url, async (request) => {
    requestCaller(sim, request).require("/", ["Sys.PowerMgmt"]);
    const { node } = request.params;
    if (!sim.config.nodes.some(({ name }) => name === node)) throw failure(`no such cluster node '${node}'`);
    const given = wanted.safeParse(request.body);
    if (!given.success) throw parameterError({ status: "online or offline" });
    const isOff = given.data.status === "offline";
    await sim.store.update((state) => {
      state.offlineNodes = state.offlineNodes.filter((name) => name !== node);
      if (isOff) state.offlineNodes.push(node);
    });
    if (isOff) await cutPower(sim, node);
    else {
      await removeLeftOverLocks(sim, node);
      await bootNodes(sim, node);
    }
    return { data: null };
  });
}

async function cutPower(sim: Simulator, node: string): Promise<void> {
  const here = Object.entries(sim.store.state.vms).filter(([, vm]) => vm.node === node);
  await Promise.all(here.map(([vmid]) => killGuest(guestPlace(sim, Number(vmid)))));
}
