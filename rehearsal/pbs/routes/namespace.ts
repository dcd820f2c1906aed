import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ApiError } from "../errors.ts";
import { openStore } from "../groups.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import {
  folders,
  listNamespaces,
  listSnapshots,
  namespaceExists,
  namespaceFolder,
  removeGroup,
  removeSnapshot,
} from "../snapshots.ts";
import { backupType, flag, id, maxDepth, namespace, namespaceLevel } from "../types.ts";
import { requireNamespace } from "./snapshots.ts";

const path = "/admin/datastore/{store}/namespace";

/** Namespaces of a datastore: folders in it. */
export const namespaces: readonly Route[] = [
  {
    method: "GET",
    path,
    parameters: { store: id, parent: namespace, "max-depth": maxDepth },
    async run(server, values, caller) {
      const parent = textOf(values, "parent");
      const root = openStore(server, textOf(values, "store")).root;
      const maySee = (ns: string) =>
        server.access.has(caller, storeAclPath({ store: values.store, ns }), visibleBy, true);
      const found = await listNamespaces(root, parent, Number(values["max-depth"] ?? 7));
      const visible = found.filter(maySee);
      if (visible.length === 0) throw new ApiError(403, "permission check failed");
      await requireNamespace(root, parent);
      return { data: visible.map((ns) => ({ ns })) };
    },
  },
  {
    method: "POST",
    path,
    parameters: { store: id, name: namespaceLevel, parent: namespace },
    async run(server, values, caller) {
      const parent = textOf(values, "parent");
      requireModify(server, textOf(values, "store"), parent, caller);
      const { root } = openStore(server, textOf(values, "store"), "write");
      const known = await listNamespaces(root, "", 7);
      const ns = parent === "" ? textOf(values, "name") : `${parent}/${textOf(values, "name")}`;
      if (!known.includes(parent))
        throw new ApiError(400, `cannot create new namespace, parent ${parent} doesn't already exists`);
      if (known.includes(ns)) throw new ApiError(400, `namespace '${ns}' already exists`);
      await mkdir(namespaceFolder(root, ns), { recursive: true });
      return { data: ns };
    },
  },
  {
    method: "DELETE",
    path,
    parameters: {
      store: id,
      ns: { ...namespace, optional: false },
      "delete-groups": flag,
      "error-on-protected": flag,
    },
    async run(server, values, caller) {
      const ns = textOf(values, "ns");
      if (ns === "") throw new ApiError(400, "cannot delete root namespace!");
      // Whoever may change only what is in a namespace may not remove the namespace itself.
      requireModify(server, textOf(values, "store"), parentOf(ns), caller);
      const { root } = openStore(server, textOf(values, "store"), "write");
      if (!(await namespaceExists(root, ns))) throw new ApiError(400, `namespace '${ns}' not found`);
      const withGroups = values["delete-groups"] === true;
      if (!(await removeNamespace(root, ns, withGroups)) && values["error-on-protected"] !== false) {
        throw new ApiError(
          400,
          withGroups
            ? "group only partially deleted due to protected snapshots"
            : "only partially deleted due to existing groups but `delete-groups` not true",
        );
      }
      return { data: null };
    },
  },
];

const visibleBy = ["Datastore.Audit", "Datastore.Modify", "Datastore.Backup"] as const;

/** Who may make or remove a namespace may change the one above it. @throws ApiError */
function requireModify(server: Server, store: string, parent: string, caller: string): void {
  const path = storeAclPath({ store, ns: parent });
  if (server.access.has(caller, path, ["Datastore.Modify"])) return;
  throw new ApiError(403, `permission check failed - missing Datastore.Modify on /${path.join("/")}`);
}

function parentOf(ns: string): string {
  return ns.split("/").slice(0, -1).join("/");
}

/** Removes a namespace with those below it. @returns whether nothing had to stay. */
async function removeNamespace(root: string, ns: string, withGroups: boolean): Promise<boolean> {
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
