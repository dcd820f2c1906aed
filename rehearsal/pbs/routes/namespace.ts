import { mkdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ApiError } from "../errors.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import { listNamespaces, listSnapshots, namespaceFolder } from "../snapshots.ts";
import { flag, id, maxDepth, namespace, namespaceLevel } from "../types.ts";
import { findStore } from "./datastore.ts";

const path = "/admin/datastore/{store}/namespace";

/** Namespaces of a datastore: folders in it. */
export const namespaces: readonly Route[] = [
  {
    method: "GET",
    path,
    parameters: { store: id, parent: namespace, "max-depth": maxDepth },
    async run(server, values, caller) {
      const parent = textOf(values, "parent");
      server.access.require(
        caller,
        storeAclPath({ store: values.store, ns: parent }),
        ["Datastore.Audit", "Datastore.Backup"],
        true,
      );
      const found = await listNamespaces(
        folderOf(server, textOf(values, "store")),
        parent,
        Number(values["max-depth"] ?? 7),
      );
      return { data: found.map((ns) => ({ ns })) };
    },
  },
  {
    method: "POST",
    path,
    parameters: { store: id, name: namespaceLevel, parent: namespace },
    async run(server, values, caller) {
      const parent = textOf(values, "parent");
      server.access.require(caller, storeAclPath({ store: values.store, ns: parent }), ["Datastore.Modify"]);
      const root = folderOf(server, textOf(values, "store"));
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
    parameters: { store: id, ns: { ...namespace, optional: false }, "delete-groups": flag },
    async run(server, values, caller) {
      const ns = textOf(values, "ns");
      server.access.require(caller, storeAclPath(values), ["Datastore.Modify"]);
      const root = folderOf(server, textOf(values, "store"));
      const below = await listNamespaces(root, "", 7);
      if (!below.includes(ns)) throw new ApiError(400, `namespace '${ns}' not found`);
      const held = await Promise.all(
        below
          .filter((name) => name === ns || name.startsWith(`${ns}/`))
          .map((name) => listSnapshots(root, name)),
      );
      if (values["delete-groups"] === true) {
        await rm(namespaceFolder(root, ns), { recursive: true, force: true });
      } else if (held.flat().length > 0) {
        throw new ApiError(400, "only partially destroyed namespace, some groups were not deleted");
      } else {
        await removeEmpty(root, ns);
      }
      return { data: null };
    },
  },
];

function folderOf(server: Server, store: string): string {
  return server.localPath(textOf(findStore(server, store), "path"));
}

/** The folder of nested namespaces is made on demand, so an empty one goes with its namespace. */
async function removeEmpty(root: string, ns: string): Promise<void> {
  const folder = namespaceFolder(root, ns);
  await rmdir(join(folder, "ns")).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
}
