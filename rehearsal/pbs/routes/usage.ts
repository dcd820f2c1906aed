import { statfs } from "node:fs/promises";
import { parsePropertyString } from "../../../infra/pbs/resources/properties.ts";
import { ApiError } from "../errors.ts";
import { openStore, owns } from "../groups.ts";
import type { Privilege } from "../permissions.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import { listNamespaces, listSnapshots, type Snapshot } from "../snapshots.ts";
import type { Section } from "../state.ts";
import { flag, id } from "../types.ts";
import { gcStatus } from "./gc.ts";

const seeing: readonly Privilege[] = ["Datastore.Audit", "Datastore.Backup"];
const inNamespace: readonly Privilege[] = [...seeing, "Datastore.Modify", "Datastore.Read"];

/** What datastores hold, and how much room they have. */
export const usage: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/datastore",
    parameters: {},
    run: (server, _, caller) => ({
      data: Object.values(server.store.state.datastore)
        .filter((section) => sees(server, textOf(section, "name"), caller))
        .map((section) => ({
          store: section.name,
          comment: section.comment,
          maintenance: section["maintenance-mode"],
          "mount-status": "nonremovable",
          "backend-type": backendOf(section),
        })),
    }),
  },
  {
    method: "GET",
    path: "/status/datastore-usage",
    parameters: {},
    async run(server, _, caller) {
      const items: object[] = [];
      for (const [name, section] of Object.entries(server.store.state.datastore)) {
        const common = { store: name, "mount-status": "nonremovable", "backend-type": backendOf(section) };
        if (sees(server, name, caller)) items.push({ ...common, ...(await usageOf(server, name)) });
        else if (await seesSomeNamespace(server, name, caller)) items.push(common);
      }
      return { data: items };
    },
  },
  {
    method: "GET",
    path: "/admin/datastore/{store}/status",
    parameters: { store: id, verbose: flag },
    async run(server, values, caller) {
      const name = textOf(values, "store");
      const seesStore = sees(server, name, caller);
      if (!seesStore && !(await seesSomeNamespace(server, name, caller))) {
        const path = storeAclPath({ store: name }).join("/");
        throw new ApiError(403, `permission check failed - missing ${seeing.join("|")} on /${path}`);
      }
      const { root, section } = openStore(server, name);
      const space = seesStore ? await spaceOf(root) : { total: 0, used: 0, avail: 0 };
      const status = { ...space, "backend-type": backendOf(section) };
      if (values.verbose !== true) return { data: status };
      const everybodys = server.access.has(caller, storeAclPath({ store: name }), ["Datastore.Audit"]);
      const counts = await countsOf(server, name, root, everybodys ? undefined : caller);
      return { data: { ...status, counts, "gc-status": gcStatus(server, name) } };
    },
  },
];

/** The room of a datastore with its garbage; why it cannot be looked at, where it cannot. */
async function usageOf(server: Server, name: string): Promise<object> {
  try {
    const space = await spaceOf(openStore(server, name).root);
    return { ...space, "gc-status": gcStatus(server, name) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** In bytes, of the file system that it lies on. */
async function spaceOf(root: string) {
  const space = await statfs(root);
  return {
    total: space.blocks * space.bsize,
    used: (space.blocks - space.bfree) * space.bsize,
    avail: space.bavail * space.bsize,
  };
}

/** The groups and backups of all namespaces, by type; only the caller's own where one is given. */
async function countsOf(server: Server, store: string, root: string, owner?: string): Promise<object> {
  const found: (Snapshot & { readonly ns: string })[] = [];
  for (const ns of await listNamespaces(root, "", 7)) {
    if (owner !== undefined && !server.access.has(owner, storeAclPath({ store, ns }), inNamespace, true))
      continue;
    const all = await listSnapshots(root, ns);
    found.push(
      ...all.filter((one) => owner === undefined || owns(one.owner, owner)).map((one) => ({ ...one, ns })),
    );
  }
  return Object.fromEntries(
    [...Map.groupBy(found, ({ type }) => type)].map(([type, list]) => [
      type,
      { groups: new Set(list.map((one) => `${one.ns}:${one.id}`)).size, snapshots: list.length },
    ]),
  );
}

function sees(server: Server, store: string, caller: string): boolean {
  return server.access.has(caller, storeAclPath({ store }), seeing, true);
}

async function seesSomeNamespace(server: Server, store: string, caller: string): Promise<boolean> {
  const section = server.store.state.datastore[store];
  if (!section) return false;
  const namespaces = await listNamespaces(server.localPath(textOf(section, "path")), "", 7);
  return namespaces.some((ns) => server.access.has(caller, storeAclPath({ store, ns }), inNamespace, true));
}

function backendOf(section: Section): string {
  return parsePropertyString(textOf(section, "backend")).type ?? "filesystem";
}
