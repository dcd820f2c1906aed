import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { killCgroup } from "./guest.ts";
import { detachLoopsUnder, unmountUnder } from "./mounts.ts";
import { bridgeName, type InstanceId, peerPrefix } from "./names.ts";
import { deleteBridge, deleteLink, linksWithPrefix } from "./network.ts";

/** What {@link cleanup} found and removed. */
export interface CleanupReport {
  processes: number;
  mounts: string[];
  loopDevices: string[];
  interfaces: string[];
}

/**
 * Removes everything of one checkout from the machine, whatever state a crash left it in: processes of guests,
 * control groups, mounts, loop devices, interfaces, the bridge. Files in the state folder stay.
 *
 * @param stateFolder the simulator's folder (`.lab/rehearsal/pve`); mounts below it are removed
 */
export async function cleanup(instanceId: InstanceId, stateFolder: string): Promise<CleanupReport> {
  const processes = await killCgroup(instanceId);
  const mounts = await unmountUnder(stateFolder);
  const loopDevices = await detachLoopsUnder(stateFolder);
  const interfaces = await linksWithPrefix(peerPrefix(instanceId));
  for (const name of interfaces) await deleteLink(name);
  if (await deleteBridge(instanceId)) interfaces.push(bridgeName(instanceId));
  await removeContainerFolders(instanceId);
  return { processes, mounts, loopDevices, interfaces };
}

/** systemd-nspawn keeps a small folder per container under /run and leaves it when it is killed. */
async function removeContainerFolders(instanceId: InstanceId): Promise<void> {
  const parent = "/run/systemd/nspawn/propagate";
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(`${bridgeName(instanceId)}-`)) await rmdir(join(parent, name)).catch(() => undefined);
  }
}
