import { backupDrills } from "./backups.ts";
import { databaseDrills } from "./databases.ts";
import type { Drill } from "./drill.ts";
import { hostDrills } from "./hosts.ts";
import { proxmoxDrills } from "./proxmox.ts";

/** Everything that is broken on purpose, the slowest first, so that none is left alone at the end. */
export const alertDrills: readonly Drill[] = [
  ...proxmoxDrills,
  ...backupDrills,
  ...databaseDrills,
  ...hostDrills,
];
