import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ApiError } from "./errors.ts";
import { type Server, storeAclPath } from "./route.ts";
import {
  folders,
  listNamespaces,
  listSnapshots,
  namespaceFolder,
  removeGroup,
  removeSnapshot,
} from "./snapshots.ts";
import { backupType } from "./types.ts";

/**
 * Whoever makes or removes a namespace needs the right to change the one above it: who may change only what is in it
 * may not. @throws ApiError
 */
export function requireParentModify(server: Server, store: string, ns: string, caller: string): void {
  const path = storeAclPath({ store, ns: ns.split("/").slice(0, -1).join("/") });
  if (server.access.has(caller, path, ["Datastore.Modify"])) return;
  throw new ApiError(403, `permission check failed - missing Datastore.Modify on /${path.join("/")}`);
}

/** Removes a namespace with those below it. @returns whether nothing had to stay. */
export async function removeNamespace(root: string, ns: string, withGroups: boolean): Promise<boolean> {
  let removedAll = true;
  const all = await listNamespaces(root, ns, 7);
  if (withGroups) for (const one of all) await removeBackups(root, one);
  // A namespace can go only after those in it.
  for (const one of all.toReversed()) removedAll = (await removeEmpty(root, one)) && removedAll;
  return removedAll;
}

async function removeBackups(root: string, ns: string): Promise<void> {
  for (const snapshot of await listSnapshots(root, ns)) {
    if (!snapshot.protected) await removeSnapshot(snapshot);
  }
}

/** Groups without a backup go too; what holds one, or is just being written, stays. */
async function removeEmpty(root: string, ns: string): Promise<boolean> {
  const folder = namespaceFolder(root, ns);
  for (const type of backupType.enum) {
    for (const group of await folders(join(folder, type))) {
      if ((await folders(join(folder, type, group))).length === 0) await removeGroup(root, ns, type, group);
    }
    await rmdir(join(folder, type)).catch(() => undefined);
  }
  await rmdir(join(folder, "ns")).catch(() => undefined);
  try {
    await rmdir(folder);
    return true;
  } catch {
    return false;
  }
}
