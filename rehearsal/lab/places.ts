import { join } from "node:path";
import type { GuestPlace } from "../guests/guest.ts";
import type { Instance } from "./instance.ts";

/** VMID of the database primary (S2 of the requirements). */
const primaryVmid = 2002;

/** Where a guest of this checkout lies on this machine. */
export function placeOf({ id, folder }: Instance, vmid: number): GuestPlace {
  return { instanceId: id, vmid, folder: join(folder, "pve", "guests", String(vmid)) };
}

export function primaryPlace(instance: Instance): GuestPlace {
  return placeOf(instance, primaryVmid);
}
