import { killGuest } from "../guests/guest.ts";
import { failure } from "./errors.ts";
import { boolean, integer, node, vmid } from "./fields.ts";
import { type Call, type Route, route } from "./route.ts";
import { guestPlace, unlockedVmOf, vmOf } from "./simulator.ts";
import type { TaskLog } from "./tasks.ts";
import { isRunning, powerDown, powerOn } from "./vm-power.ts";
import { summary } from "./vm-summary.ts";

const target = { node: node(), vmid: vmid() };
const base = "/nodes/{node}/qemu/{vmid}/status";
/** Seconds that the product waits for a shutdown unless told otherwise. */
const shutdownTimeoutSeconds = 180;

interface Target {
  node: string;
  vmid: number;
}

/** Power state of virtual machines. */
export const powerRoutes: Route[] = [
  route({
    method: "GET",
    path: `${base}/current`,
    params: target,
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.Audit"]),
    run: async (params, { sim }) => {
      const vm = vmOf(sim, params.node, params.vmid);
      const running = await isRunning(guestPlace(sim, params.vmid));
      return {
        ...summary(params.vmid, vm, running),
        qmpstatus: running ? "running" : "stopped",
        ha: { managed: 0 },
        ...(/^(1|enabled=1)/.test(String(vm.config.agent ?? "")) ? { agent: 1 } : {}),
      };
    },
  }),
  route({
    method: "POST",
    path: `${base}/start`,
    params: { ...target, timeout: integer(0).optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.PowerMgmt"]),
    run: (params, call) =>
      powerTask(call, params, "qmstart", (log) => powerOn(call.sim, params.node, params.vmid, log)),
  }),
  route({
    method: "POST",
    path: `${base}/stop`,
    params: { ...target, timeout: integer(0).optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.PowerMgmt"]),
    run: (params, call) =>
      powerTask(call, params, "qmstop", () => killGuest(guestPlace(call.sim, params.vmid))),
  }),
  route({
    method: "POST",
    path: `${base}/shutdown`,
    params: { ...target, timeout: integer(0).optional(), forceStop: boolean().optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.PowerMgmt"]),
    run: (params, call) =>
      powerTask(call, params, "qmshutdown", (log) =>
        powerDown(
          guestPlace(call.sim, params.vmid),
          { timeoutSeconds: params.timeout ?? shutdownTimeoutSeconds, forceStop: params.forceStop ?? false },
          log,
        ),
      ),
  }),
  route({
    method: "POST",
    path: `${base}/reboot`,
    params: { ...target, timeout: integer(0).optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.PowerMgmt"]),
    run: (params, call) =>
      powerTask(call, params, "qmreboot", async (log) => {
        const place = guestPlace(call.sim, params.vmid);
        if (!(await isRunning(place))) throw failure(`VM ${params.vmid} not running`);
        await powerDown(
          place,
          { timeoutSeconds: params.timeout ?? shutdownTimeoutSeconds, forceStop: false },
          log,
        );
        await powerOn(call.sim, params.node, params.vmid, log);
      }),
  }),
];

function powerTask(
  { sim, caller }: Call,
  params: Target,
  type: string,
  work: (log: TaskLog) => Promise<void>,
): Promise<string> {
  unlockedVmOf(sim, params.node, params.vmid);
  const about = { node: params.node, type, id: String(params.vmid), user: caller.id };
  return sim.tasks.start(about, (log) => sim.locks.with(params.vmid, () => work(log)));
}
