import { z } from "zod";
import { execInGuest } from "../guests/exec.ts";
import type { GuestPlace } from "../guests/guest.ts";
import { failure } from "./errors.ts";
import { integer, node, strings, text, vmid } from "./fields.ts";
import { type Route, route } from "./route.ts";
import { guestPlace, type Simulator, vmOf } from "./simulator.ts";
import { isRunning } from "./vm-power.ts";

const target = { node: node(), vmid: vmid() };
const base = "/nodes/{node}/qemu/{vmid}/agent";
/** The agent keeps at most this much of each stream. */
const outputLimitBytes = 16 * 2 ** 20;

interface AgentCommand {
  exited: boolean;
  exitcode?: number;
  signal?: number;
  "out-data"?: string;
  "err-data"?: string;
}

const commands = new Map<string, AgentCommand>();
let lastPid = 1000;

/** The guest agent: here the simulator enters the guest itself, from when its services are up. */
export const agentRoutes: Route[] = [
  route({
    method: "POST",
    path: `${base}/ping`,
    params: target,
    permit: (caller, params) =>
      caller.require(`/vms/${params.vmid}`, ["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"], true),
    run: async (params, { sim }) => {
      await agentOf(sim, params.node, params.vmid);
      return { result: {} };
    },
  }),
  route({
    method: "GET",
    path: `${base}/network-get-interfaces`,
    params: target,
    permit: (caller, params) =>
      caller.require(`/vms/${params.vmid}`, ["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"], true),
    run: async (params, { sim }) => {
      const place = await agentOf(sim, params.node, params.vmid);
      const { stdout } = await execInGuest(place, ["ip", "-json", "address", "show"]);
      return { result: interfaces.parse(JSON.parse(stdout)).map(shownInterface) };
    },
  }),
  route({
    method: "POST",
    path: `${base}/exec`,
    params: { ...target, command: strings(), "input-data": text(65_536).optional() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.GuestAgent.Unrestricted"]),
    run: async (params, { sim }) => {
      const place = await agentOf(sim, params.node, params.vmid);
      const [program, ...args] = params.command;
      if (program === undefined) throw failure("Agent error: no command given");
      return { pid: runCommand(place, [program, ...args], params["input-data"]) };
    },
  }),
  route({
    method: "GET",
    path: `${base}/exec-status`,
    params: { ...target, pid: integer() },
    permit: (caller, params) => caller.require(`/vms/${params.vmid}`, ["VM.GuestAgent.Unrestricted"]),
    run: async (params, { sim }) => {
      const place = await agentOf(sim, params.node, params.vmid);
      const key = commandKey(place, params.pid);
      const command = commands.get(key);
      if (command === undefined) throw failure("Agent error: Invalid parameter 'pid'");
      // The agent forgets a command once its end was told.
      if (command.exited) commands.delete(key);
      return { ...command, exited: command.exited ? 1 : 0 };
    },
  }),
];

async function agentOf(sim: Simulator, nodeName: string, id: number): Promise<GuestPlace> {
  const { config } = vmOf(sim, nodeName, id);
  const place = guestPlace(sim, id);
  if (!(await isRunning(place))) throw failure(`VM ${id} is not running`);
  if (!/^(1|enabled=1)(,|$)/.test(String(config.agent ?? "")))
    throw failure("No QEMU guest agent configured");
  // Nothing runs inside a record, so no agent does.
  if (sim.config.guests.kind === "records") throw failure("QEMU guest agent is not running");
  const up = await execInGuest(place, ["systemctl", "is-active", "--quiet", "basic.target"], {
    timeoutSeconds: 5,
  });
  if (up.exitCode !== 0) throw failure("QEMU guest agent is not running");
  return place;
}

function runCommand(place: GuestPlace, argv: [string, ...string[]], input: string | undefined): number {
  lastPid += 1;
  const command: AgentCommand = { exited: false };
  commands.set(commandKey(place, lastPid), command);
  const keep = (value: string) => value.slice(0, outputLimitBytes);
  execInGuest(place, argv, input === undefined ? {} : { input }).then(
    (result) => {
      command.exited = true;
      if (result.exitCode === undefined) command.signal = 9;
      else command.exitcode = result.exitCode;
      if (result.stdout !== "") command["out-data"] = keep(result.stdout);
      if (result.stderr !== "") command["err-data"] = keep(result.stderr);
    },
    (error: unknown) => {
      command.exited = true;
      command.exitcode = 127;
      command["err-data"] = String(error);
    },
  );
  return lastPid;
}

function commandKey(place: GuestPlace, pid: number): string {
  return `${place.folder}/${pid}`;
}

const interfaces = z.array(
  z.object({
    ifname: z.string(),
    address: z.string().optional(),
    addr_info: z.array(z.object({ family: z.string(), local: z.string(), prefixlen: z.number() })),
  }),
);

function shownInterface(link: z.infer<typeof interfaces>[number]): unknown {
  return {
    name: link.ifname,
    "hardware-address": link.address ?? "00:00:00:00:00:00",
    "ip-addresses": link.addr_info.map((info) => ({
      "ip-address": info.local,
      "ip-address-type": info.family === "inet6" ? "ipv6" : "ipv4",
      prefix: info.prefixlen,
    })),
  };
}
