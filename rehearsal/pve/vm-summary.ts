import { parsePropertyString } from "./property-string.ts";
import type { Vm } from "./state.ts";
import { sizeBytes } from "./volumes.ts";

/** What lists and the status show of a VM. */
export function summary(vmid: number, vm: Vm, running: boolean): Record<string, unknown> {
  const { config } = vm;
  const cpus = Number(config.cores ?? 1) * Number(config.sockets ?? 1);
  const disk = Object.entries(config).find(([key]) => /^(scsi|virtio|sata|ide)0$/.test(key));
  const size = disk === undefined ? undefined : parsePropertyString(String(disk[1]), "file").get("size");
  const uptime = running && vm.startedAt !== undefined ? Math.floor(Date.now() / 1000) - vm.startedAt : 0;
  return {
    vmid,
    name: config.name ?? `VM ${vmid}`,
    status: running ? "running" : "stopped",
    template: config.template === 1 ? 1 : 0,
    ...(config.lock === undefined ? {} : { lock: config.lock }),
    cpus,
    maxcpu: cpus,
    maxmem: memoryBytes(vm),
    maxdisk: size === undefined ? 0 : sizeBytes(size),
    uptime,
    ...(config.tags === undefined ? {} : { tags: config.tags }),
  };
}

/** Configured memory; 512 MiB where nothing is said, as in the product. */
export function memoryBytes(vm: Vm): number {
  const memory = parsePropertyString(String(vm.config.memory ?? 512), "current");
  return Number(memory.get("current") ?? 512) * 2 ** 20;
}
