import type { ProviderDefinition } from "../../../infra/provider/resource.ts";
import { backupJob, pbsStorage } from "./backup.ts";
import { Proxmox, type ProxmoxConfig, proxmoxConfigSchema } from "./client.ts";
import { download, snippet } from "./files.ts";
import { virtualMachine } from "./vm.ts";

/** Stands in for the proxmoxve provider: the types that the lab uses, against the PVE API. */
export const proxmoxveProvider: ProviderDefinition<Proxmox, ProxmoxConfig> = {
  name: "proxmoxve",
  version: "8.6.0",
  config: proxmoxConfigSchema,
  connect: (config) => new Proxmox(config),
  resources: [download, snippet, virtualMachine, pbsStorage, backupJob],
};
