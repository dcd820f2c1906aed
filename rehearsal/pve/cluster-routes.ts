import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import { guestProcess } from "../guests/guest.ts";
import type { Caller } from "./auth.ts";
import { parameterError } from "./errors.ts";
import { integer, node, oneOf, text as textField, vmid } from "./fields.ts";
import { Page, type Route, route } from "./route.ts";
import { guestPlace, nodeOf, type Simulator } from "./simulator.ts";
import type { Vm } from "./state.ts";
import { storageStatus } from "./storage-status.ts";
import type { Task } from "./tasks.ts";
import { summary } from "./vm-summary.ts";

/** Version, nodes, tasks and what concerns the cluster as a whole. */
export const clusterRoutes: Route[] = [
  route({
    method: "GET",
    path: "/version",
    params: {},
    run: () => ({ version: "9.1.1", release: "9.1", repoid: "42db4a6cf33dac83" }),
  }),
  route({
    method: "GET",
    path: "/nodes",
    params: {},
    run: (_, { sim }) =>
      sim.config.nodes.map(({ name, cpus, memoryBytes }) => ({
        id: `node/${name}`,
        node: name,
        type: "node",
        status: statusOfNode(sim, name),
        maxcpu: cpus,
        maxmem: memoryBytes,
        uptime: uptimeSeconds(),
      })),
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/status",
    params: { node: node() },
    permit: (caller, params) => caller.require(`/nodes/${params.node}`, ["Sys.Audit"]),
    run: (params, { sim }) => {
      const { cpus, memoryBytes } = nodeOf(sim, params.node);
      return {
        cpu: 0,
        cpuinfo: { cpus, cores: cpus, sockets: 1 },
        memory: { total: memoryBytes, used: 0, free: memoryBytes },
        pveversion: "pve-manager/9.1.1/42db4a6cf33dac83",
        uptime: uptimeSeconds(),
      };
    },
  }),
  route({
    method: "GET",
    path: "/cluster/status",
    params: {},
    permit: (caller) => caller.require("/", ["Sys.Audit"]),
    run: (_, { sim }) => {
      const nodes = sim.config.nodes.map(({ name }, index) => ({
        id: `node/${name}`,
        type: "node",
        name,
        nodeid: index + 1,
        online: statusOfNode(sim, name) === "online" ? 1 : 0,
        local: index === 0 ? 1 : 0,
        level: "",
      }));
      // A node that stands alone is in no cluster.
      if (nodes.length === 1) return nodes.map((node) => ({ ...node, nodeid: 0 }));
      const online = nodes.filter((node) => node.online === 1).length;
      const quorate = online > nodes.length / 2 ? 1 : 0;
      return [
        { id: "cluster", type: "cluster", name: "lab", version: 1, nodes: nodes.length, quorate },
        ...nodes,
      ];
    },
  }),
  route({
    method: "GET",
    path: "/cluster/nextid",
    params: { vmid: vmid().optional() },
    run: (params, { sim }) => {
      const taken = sim.store.state.vms;
      if (params.vmid !== undefined) {
        if (taken[params.vmid] !== undefined)
          throw parameterError({ vmid: `VM ${params.vmid} already exists` });
        return String(params.vmid);
      }
      let free = 100;
      while (taken[free] !== undefined) free += 1;
      return String(free);
    },
  }),
  route({
    method: "GET",
    path: "/cluster/resources",
    params: { type: oneOf(["vm", "storage", "node", "sdn"]).optional() },
    run: async (params, { sim, caller }) => {
      const wants = (type: string) => params.type === undefined || params.type === type;
      const rows: unknown[] = [];
      if (wants("node")) {
        for (const { name } of sim.config.nodes) rows.push(await nodeResource(sim, name, caller));
      }
      if (wants("vm")) {
        for (const [id, vm] of Object.entries(sim.store.state.vms)) {
          if (caller.may(`/vms/${id}`, "VM.Audit")) rows.push(await vmResource(sim, Number(id), vm));
        }
      }
      if (wants("storage")) {
        for (const [storage, section] of Object.entries(sim.store.state.storages)) {
          if (!caller.may(`/storage/${storage}`, "Datastore.Audit")) continue;
          const { active, total, used, shared } = await storageStatus(sim, storage, section);
          for (const { name } of sim.config.nodes) {
            const isUsable = active === 1 && statusOfNode(sim, name) === "online";
            rows.push({
              id: `storage/${name}/${storage}`,
              type: "storage",
              storage,
              node: name,
              plugintype: section.type,
              content: section.content,
              shared,
              ...(isUsable ? { status: "available", maxdisk: total, disk: used } : { status: "unknown" }),
            });
          }
        }
      }
      return rows;
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/tasks",
    params: {
      node: node(),
      limit: integer(0).optional(),
      start: integer(0).optional(),
      vmid: vmid().optional(),
      typefilter: textField().optional(),
      source: oneOf(["archive", "active", "all"]).optional(),
      since: integer().optional(),
      until: integer().optional(),
    },
    run: (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      const { source = "archive", since = 0, until = Number.POSITIVE_INFINITY } = params;
      const seesAll = caller.may(`/nodes/${params.node}`, "Sys.Audit");
      const all = sim.tasks
        .list(params.node)
        .filter(
          (task) =>
            (params.vmid === undefined || task.id === String(params.vmid)) &&
            (params.typefilter === undefined || task.type === params.typefilter) &&
            (source === "all" || (source === "active") === (task.endtime === undefined)) &&
            task.starttime >= since &&
            task.starttime <= until &&
            (seesAll || task.user.split("!")[0] === caller.user),
        );
      const start = params.start ?? 0;
      const rows = all.slice(start, start + (params.limit ?? 50));
      return new Page(
        rows.map(({ exitstatus, ...task }) => ({
          ...task,
          ...(exitstatus === undefined ? {} : { status: exitstatus }),
        })),
        all.length,
      );
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/status",
    params: { node: node(), upid: textField() },
    permit: (caller, params) => requireTask(caller, params),
    run: (params, { sim }) => {
      const { exitstatus, endtime, ...task }: Task = sim.tasks.get(params.node, params.upid);
      const ended = exitstatus === undefined ? {} : { exitstatus };
      return { ...task, status: endtime === undefined ? "running" : "stopped", ...ended };
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/log",
    params: { node: node(), upid: textField(), start: integer(0).optional(), limit: integer(0).optional() },
    permit: (caller, params) => requireTask(caller, params),
    run: async (params, { sim }) => {
      const task = sim.tasks.get(params.node, params.upid);
      const lines = await sim.tasks.log(task.upid);
      const start = params.start ?? 0;
      const end = params.limit === 0 ? undefined : start + (params.limit ?? 50);
      const rows = lines.slice(start, end).map((t, index) => ({ n: start + index + 1, t }));
      return new Page(rows.length === 0 ? [{ n: 1, t: "no content" }] : rows, lines.length);
    },
  }),
];

/** A task belongs to the token that started it; others need to audit the node. */
function requireTask(
  caller: { id: string; require(path: string, privileges: string[]): void },
  params: { node: string; upid: string },
): void {
  if (!params.upid.endsWith(`:${caller.id}:`)) caller.require(`/nodes/${params.node}`, ["Sys.Audit"]);
}

/** Figures are of the machine that simulates; who may not audit a node gets none, and neither does anybody of one that is off. */
async function nodeResource(sim: Simulator, name: string, caller: Caller): Promise<unknown> {
  const status = statusOfNode(sim, name);
  const row = { id: `node/${name}`, type: "node", node: name, status };
  if (status === "offline" || !caller.may(`/nodes/${name}`, "Sys.Audit")) return row;
  const { cpus, memoryBytes } = nodeOf(sim, name);
  const disk = await statfs(sim.folder);
  return {
    ...row,
    uptime: uptimeSeconds(),
    cpu: Math.min(1, (loadavg()[0] ?? 0) / availableParallelism()),
    maxcpu: cpus,
    mem: Math.round((1 - freemem() / totalmem()) * memoryBytes),
    maxmem: memoryBytes,
    disk: (disk.blocks - disk.bavail) * disk.bsize,
    maxdisk: disk.blocks * disk.bsize,
    level: "",
  };
}

async function vmResource(sim: Simulator, id: number, vm: Vm): Promise<unknown> {
  const running = (await guestProcess(guestPlace(sim, id))) !== undefined;
  // Nobody hears from a node that is off.
  const known = sim.store.state.offlineNodes.includes(vm.node) ? { status: "unknown" } : {};
  return { id: `qemu/${id}`, type: "qemu", node: vm.node, ...summary(id, vm, running), ...known };
}

function statusOfNode(sim: Simulator, name: string): "online" | "offline" {
  return sim.store.state.offlineNodes.includes(name) ? "offline" : "online";
}

const startedAt = Date.now();

function uptimeSeconds(): number {
  return Math.floor((Date.now() - startedAt) / 1000);
}
