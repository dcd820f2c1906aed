import { z } from "zod";
import { type Call, defineResource } from "../../../infra/provider/resource.ts";
import type { Proxmox } from "./client.ts";
import { type VmInputs, vmInputs } from "./vm-inputs.ts";
import { described } from "./vm-read.ts";
import { change, creation, macAddressOf, needsReboot } from "./vm-write.ts";

interface Outputs {
  readonly ipv4Addresses: readonly (readonly string[])[];
  readonly macAddresses: readonly string[];
}

const configData = z.record(z.string(), z.unknown());
const statusData = z.looseObject({ status: z.string() });

/** `proxmoxve.VmLegacy`: a virtual machine, by the calls that the real provider makes. */
export const virtualMachine = defineResource<Proxmox, typeof vmInputs.shape, Outputs>({
  token: "proxmoxve:index/vmLegacy:VmLegacy",
  inputs: vmInputs,
  replaceOn: ["nodeName", "vmId"],
  // Both act only on a first boot: the real provider makes the guest anew for them.
  replaceWhen: (property, recorded, wanted) =>
    (property === "disks" && imagesOf(recorded) !== imagesOf(wanted)) ||
    (property === "initialization" && userDataOf(recorded) !== userDataOf(wanted)),
  deleteBeforeReplace: true,

  async create(call, wanted) {
    const { client, signal } = call;
    const { nodeName, vmId } = wanted;
    const path = `/nodes/${nodeName}/qemu/${vmId}`;
    await client.finish(nodeName, await client.post(`/nodes/${nodeName}/qemu`, creation(wanted)), signal);
    for (const disk of wanted.disks.filter(({ importFrom }) => importFrom !== undefined)) {
      await resize(call, path, wanted, disk);
    }
    if (wanted.started) await power(call, path, nodeName, "start");
    return { id: String(vmId), outputs: await outputsOf(client, wanted) };
  },

  async read({ client }, id, { inputs }) {
    const recorded = vmInputs.parse(inputs);
    const path = `/nodes/${recorded.nodeName}/qemu/${id}`;
    const config = await client.find(`${path}/config`);
    if (config === undefined) return undefined;
    return {
      inputs: described(recorded, configData.parse(config), await isRunning(client, path)),
      outputs: await outputsOf(client, recorded),
    };
  },

  async update(call, id, { inputs }, wanted) {
    const { client } = call;
    const { nodeName } = wanted;
    const path = `/nodes/${nodeName}/qemu/${id}`;
    const now = configData.parse(await client.get(`${path}/config`));
    await client.put(`${path}/config`, change(wanted, now));
    const before = new Map((inputs.disks ?? []).map((disk) => [disk.interface, disk.size]));
    for (const disk of wanted.disks) {
      const size = before.get(disk.interface);
      if (size !== undefined && size !== disk.size) await resize(call, path, wanted, disk);
    }
    const running = await isRunning(client, path);
    if (wanted.started && !running) await power(call, path, nodeName, "start");
    else if (!wanted.started && running) await power(call, path, nodeName, "shutdown");
    else if (running && needsReboot(inputs, wanted)) await power(call, path, nodeName, "reboot");
    return outputsOf(client, wanted);
  },

  async delete(call, id, { inputs }) {
    const { client, signal } = call;
    const { nodeName, stopOnDestroy } = vmInputs.parse(inputs);
    const path = `/nodes/${nodeName}/qemu/${id}`;
    const config = await client.find(`${path}/config`);
    if (config === undefined) return;
    // PVE refuses too, but only after the guest has been stopped for it.
    if (Number(configData.parse(config).protection ?? 0) === 1) {
      throw new Error(
        `can't remove VM ${id} - protection mode enabled: set protection to false and run the update first`,
      );
    }
    if (await isRunning(client, path)) await power(call, path, nodeName, stopOnDestroy ? "stop" : "shutdown");
    await client.finish(
      nodeName,
      await client.delete(`${path}?purge=1&destroy-unreferenced-disks=1`),
      signal,
    );
  },
});

async function power(
  { client, signal }: Call<Proxmox>,
  path: string,
  nodeName: string,
  action: "start" | "stop" | "shutdown" | "reboot",
): Promise<void> {
  await client.finish(nodeName, await client.post(`${path}/status/${action}`), signal);
}

async function isRunning(client: Proxmox, path: string): Promise<boolean> {
  return statusData.parse(await client.get(`${path}/status/current`)).status === "running";
}

async function resize(
  { client, signal }: Call<Proxmox>,
  path: string,
  { nodeName }: VmInputs,
  { interface: disk, size }: VmInputs["disks"][number],
): Promise<void> {
  const task = await client.put(`${path}/resize`, { disk, size: `${size}G` });
  await client.finish(nodeName, task, signal);
}

async function outputsOf(client: Proxmox, { nodeName, vmId, initialization }: VmInputs): Promise<Outputs> {
  const config = configData.parse(await client.get(`/nodes/${nodeName}/qemu/${vmId}/config`));
  const macAddresses = Object.entries(config)
    .filter(([name]) => /^net\d+$/.test(name))
    .sort(([a], [b]) => Number(a.slice(3)) - Number(b.slice(3)))
    .map(([, device]) => macAddressOf(device) ?? "");
  return {
    ipv4Addresses: initialization.ipConfigs.map(({ ipv4 }) => [ipv4.address.replace(/\/.*$/, "")]),
    macAddresses,
  };
}

function imagesOf(disks: unknown): string {
  const parsed = vmInputs.shape.disks.safeParse(disks);
  if (!parsed.success) return "";
  const imported = parsed.data.filter(({ importFrom }) => importFrom !== undefined);
  return JSON.stringify(imported.map(({ interface: name, importFrom }) => [name, importFrom]).sort());
}

function userDataOf(initialization: unknown): unknown {
  const parsed = z.looseObject({ userDataFileId: z.unknown() }).safeParse(initialization);
  return parsed.success ? parsed.data.userDataFileId : undefined;
}
