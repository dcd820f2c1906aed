import { vmidList } from "./backup-options.ts";
import { failure } from "./errors.ts";
import { boolean, parsed, splitList, text } from "./fields.ts";
import { poolName } from "./formats.ts";
import { type Route, route } from "./route.ts";

const poolid = () => parsed(poolName);

/** Pools: names for groups of guests. */
export const poolRoutes: Route[] = [
  route({
    method: "GET",
    path: "/pools",
    params: { poolid: poolid().optional() },
    run: (params, { sim, caller }) =>
      Object.entries(sim.store.state.pools)
        .filter(([id]) => params.poolid === undefined || params.poolid === id)
        .filter(([id]) => caller.may(`/pool/${id}`, "Pool.Audit"))
        .map(([id, { comment, vmids }]) => ({
          poolid: id,
          ...(comment === undefined ? {} : { comment }),
          ...(params.poolid === undefined
            ? {}
            : { members: vmids.map((vmid) => ({ id: `qemu/${vmid}`, type: "qemu", vmid })) }),
        })),
  }),
  route({
    method: "POST",
    path: "/pools",
    params: { poolid: poolid(), comment: text().optional() },
    permit: (caller, params) => caller.require(`/pool/${params.poolid}`, ["Pool.Allocate"]),
    run: async (params, { sim }) => {
      await sim.store.update((state) => {
        if (state.pools[params.poolid] !== undefined) throw failure(`pool '${params.poolid}' already exists`);
        state.pools[params.poolid] = {
          vmids: [],
          ...(params.comment === undefined ? {} : { comment: params.comment }),
        };
      });
    },
  }),
  route({
    method: "PUT",
    path: "/pools",
    params: {
      poolid: poolid(),
      comment: text().optional(),
      vms: vmidList().optional(),
      delete: boolean().optional(),
    },
    permit: (caller, params) => caller.require(`/pool/${params.poolid}`, ["Pool.Allocate"]),
    run: async (params, { sim }) => {
      await sim.store.update((state) => {
        const pool = state.pools[params.poolid];
        if (pool === undefined) throw failure(`pool '${params.poolid}' does not exist`);
        if (params.comment !== undefined) pool.comment = params.comment;
        for (const vmid of splitList(params.vms).map(Number)) {
          if (state.vms[vmid] === undefined) throw failure(`VM ${vmid} does not exist`);
          const has = pool.vmids.includes(vmid);
          if (params.delete === true && !has) throw failure(`VM ${vmid} is not a pool member`);
          if (params.delete !== true && has) throw failure(`VM ${vmid} is already a pool member`);
          pool.vmids =
            params.delete === true ? pool.vmids.filter((id) => id !== vmid) : [...pool.vmids, vmid];
        }
      });
    },
  }),
  route({
    method: "DELETE",
    path: "/pools",
    params: { poolid: poolid() },
    permit: (caller, params) => caller.require(`/pool/${params.poolid}`, ["Pool.Allocate"]),
    run: async (params, { sim }) => {
      await sim.store.update((state) => {
        const pool = state.pools[params.poolid];
        if (pool === undefined) throw failure(`pool '${params.poolid}' does not exist`);
        if (pool.vmids.length > 0) throw failure(`pool '${params.poolid}' is not empty`);
        delete state.pools[params.poolid];
      });
    },
  }),
];
