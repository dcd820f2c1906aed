import { mkdir } from "node:fs/promises";
import { ApiError } from "../errors.ts";
import { openStore } from "../groups.ts";
import { removeNamespace, requireParentModify } from "../namespaces.ts";
import { type Route, storeAclPath, textOf } from "../route.ts";
import { listNamespaces, namespaceExists, namespaceFolder } from "../snapshots.ts";
import { flag, id, maxDepth, namespace, namespaceLevel } from "../types.ts";
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
      const ns = parent === "" ? textOf(values, "name") : `${parent}/${textOf(values, "name")}`;
      requireParentModify(server, textOf(values, "store"), ns, caller);
      const { root } = openStore(server, textOf(values, "store"), "write");
      const known = await listNamespaces(root, "", 7);
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
      requireParentModify(server, textOf(values, "store"), ns, caller);
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
