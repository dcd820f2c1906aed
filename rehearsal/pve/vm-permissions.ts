import type { Caller } from "./auth.ts";
import { ApiError } from "./errors.ts";
import { isDrive } from "./vm-options.ts";

const options: Readonly<Record<string, readonly string[]>> = {
  "VM.Config.CPU": ["cores", "cpu", "cpulimit", "cpuunits", "numa", "sockets", "vcpus"],
  "VM.Config.Memory": ["memory", "balloon", "shares"],
  "VM.Config.HWType": [
    ...["acpi", "hotplug", "kvm", "machine", "scsihw", "smbios1", "tablet", "vga", "watchdog"],
  ],
  "VM.Config.Options": [
    ...["agent", "bios", "description", "name", "onboot", "ostype", "protection", "startup", "template"],
  ],
  "VM.Config.Disk": ["boot"],
};
const cloudInit = [
  "cicustom",
  "cipassword",
  "citype",
  "ciupgrade",
  "ciuser",
  "nameserver",
  "searchdomain",
  "sshkeys",
];
const byOption = new Map(
  Object.entries(options).flatMap(([privilege, names]) => names.map((name) => [name, privilege])),
);

/** Options that need nothing beyond the call's own privilege. */
const free = new Set(["tags", "digest", "delete"]);

/**
 * Fails with 403 unless the caller may set (or remove) these options of a VM: the product wants a privilege for each
 * kind of option. Storages and bridges that are named need rights of their own.
 *
 * @param pool of a VM that is just being made; its rules count too
 */
export function requireVmOptions(
  caller: Caller,
  vmid: number,
  given: Readonly<Record<string, unknown>>,
  pool?: string,
): void {
  if (caller.isRoot) return;
  const may = (privilege: string) =>
    caller.may(`/vms/${vmid}`, privilege) || (pool !== undefined && caller.may(`/pool/${pool}`, privilege));
  const need = (...privileges: string[]) => {
    if (!privileges.some(may)) caller.require(`/vms/${vmid}`, privileges, privileges.length > 1);
  };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || free.has(name)) continue;
    const text = String(value);
    if (isDrive(name)) {
      const [file = ""] = text.split(",");
      need(/media=cdrom/.test(text) || file.endsWith(":cloudinit") ? "VM.Config.CDROM" : "VM.Config.Disk");
      const storage = /^([^:]+):(?!iso\/)/.exec(file)?.[1];
      if (storage !== undefined) caller.require(`/storage/${storage}`, ["Datastore.AllocateSpace"]);
      const source = /import-from=([^:,]+):/.exec(text)?.[1];
      if (source !== undefined) {
        caller.require(`/storage/${source}`, ["Datastore.Audit", "Datastore.AllocateSpace"], true);
      }
    } else if (/^net\d+$/.test(name)) {
      need("VM.Config.Network");
      const bridge = /(?:^|,)bridge=([^,]+)/.exec(text)?.[1];
      if (bridge !== undefined) caller.require(`/sdn/zones/localnetwork/${bridge}`, ["SDN.Use"]);
    } else if (/^ipconfig\d+$/.test(name) || cloudInit.includes(name)) {
      need("VM.Config.Cloudinit", "VM.Config.Network");
    } else if (/^unused\d+$/.test(name)) {
      need("VM.Config.Disk");
    } else if (/^serial\d+$/.test(name)) {
      if (text !== "socket" && text !== "") throw rootOnly(name);
      need("VM.Config.HWType");
    } else {
      const privilege = byOption.get(name);
      if (privilege === undefined) throw rootOnly(name);
      need(privilege);
      if (name === "startup") caller.require("/", ["Sys.Modify"]);
    }
  }
}

function rootOnly(name: string): ApiError {
  return new ApiError(403, `Permission check failed (only root can set '${name}' config)`);
}
