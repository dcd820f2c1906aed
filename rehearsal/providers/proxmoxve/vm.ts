import { z } from "zod";
import { type Call, defineResource } from "../../../infra/provider/resource.ts";
import type { Proxmox } from "./client.ts";
import { changeable, creation, described, type VmInputs, vmInputs } from "./vm-config.ts";

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
  // The disk is made from the image once; another image is another guest.
  replaceWhen: (property, recorded, wanted) =>
    property === "disks" && imagesOf(recorded) !== imagesOf(wanted),
  deleteBeforeReplace: true,

  async create(call, wanted) {
    const { client, signal } = call;
    const { nodeName, vmId } = wanted;
    const path = `/nodes/${nodeName}/qemu/${vmId}`;
    await client.finish(nodeName, await client.post(`/nodes/${nodeName}/qemu`, creation(wanted)), signal);
    for (const disk of wanted.disks.filter(({ importFrom }) => importFrom !== undefined)) {
      await resize(call, path, wanted, disk);
    }
    if (wanted.started) await client.finish(nodeName, await client.post(`${path}/status/start`), signal);
    return { id: String(vmId), outputs: await outputsOf(client, wanted) };
  },

  async read({ client }, id, { inputs }) {
    const recorded = vmInputs.parse(inputs);
    const path = `/nodes/${recorded.nodeName}/qemu/${id}`;
    const config = await client.find(`${path}/config`);
    if (config === undefined) return undefined;
    const { status } = statusData.parse(await client.get(`${path}/status/current`));
    return {
      inputs: described(recorded, configData.parse(config), status === "running"),
      outputs: await outputsOf(client, recorded),
    };
  },

  async update(call, id, { inputs }, wanted) {
    const { client, signal } = call;
    const { nodeName } = wanted;
    const path = `/nodes/${nodeName}/qemu/${id}`;
    await client.put(`${path}/config`, changeable(wanted));
    const before = new Map((inputs.disks ?? []).map((disk) => [disk.interface, disk.size]));
    for (const disk of wanted.disks) {
      if (before.get(disk.interface) !== disk.size) await resize(call, path, wanted, disk);
    }
    const { status } = statusData.parse(await client.get(`${path}/status/current`));
    if (wanted.started && status !== "running") {
      await client.finish(nodeName, await client.post(`${path}/status/start`), signal);
    } else if (!wanted.started && status === "running") {
      await client.finish(nodeName, await client.post(`${path}/status/shutdown`), signal);
    }
    return outputsOf(client, wanted);
  },

  async delete({ client, signal }, id, { inputs }) {
    const { nodeName, stopOnDestroy } = vmInputs.parse(inputs);
    const path = `/nodes/${nodeName}/qemu/${id}`;
    const current = await client.find(`${path}/status/current`);
    if (current === undefined) return;
    if (statusData.parse(current).status === "running") {
      const how = stopOnDestroy ? "stop" : "shutdown";
      await client.finish(nodeName, await client.post(`${path}/status/${how}`), signal);
    }
    await client.finish(
      nodeName,
      await client.delete(`${path}?purge=1&destroy-unreferenced-disks=1`),
      signal,
    );
  },
});

async function resize(
  { client, signal }: Call<Proxmox>,
  path: string,
  { nodeName }: VmInputs,
  { interface: disk, size }: VmInputs["disks"][number],
): Promise<void> {
  const task = await client.put(`${path}/resize`, { disk, size: `${size}G` });
  if (typeof task === "string") await client.finish(nodeName, task, signal);
}

async function outputsOf(client: Proxmox, { nodeName, vmId, initialization }: VmInputs): Promise<Outputs> {
  const config = configData.parse(await client.get(`/nodes/${nodeName}/qemu/${vmId}/config`));
  const macAddresses = Object.entries(config)
    .filter(([name]) => /^net\d+$/.test(name))
    .map(([, value]) => /([0-9A-F]{2}(?::[0-9A-F]{2}){5})/i.exec(String(value))?.[1] ?? "");
  return {
    ipv4Addresses: initialization.ipConfigs.map(({ ipv4 }) => [ipv4.address.replace(/\/.*$/, "")]),
    macAddresses,
  };
}

function imagesOf(disks: unknown): string {
  const parsed = vmInputs.shape.disks.safeParse(disks);
  return parsed.success
    ? JSON.stringify(parsed.data.map(({ interface: name, importFrom }) => [name, importFrom]))
    : "";
}
