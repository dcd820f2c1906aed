import { statfs } from "node:fs/promises";
import type { Caller } from "./auth.ts";
import { boolean, node, parsed, splitList, storageId } from "./fields.ts";
import { contentType, listOf } from "./formats.ts";
import { listBackupVolumes } from "./pbs-storage.ts";
import { type Route, route } from "./route.ts";
import { nodeOf, type Simulator } from "./simulator.ts";
import type { Section } from "./state.ts";
import { storageOf, text } from "./volumes.ts";

/** What a node says of the storages that it can reach. */
export const storageStatusRoutes: Route[] = [
  route({
    method: "GET",
    path: "/nodes/{node}/storage",
    params: {
      node: node(),
      storage: storageId().optional(),
      content: parsed(listOf(contentType)).optional(),
      enabled: boolean().optional(),
    },
    run: async (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      const rows: unknown[] = [];
      for (const [id, section] of Object.entries(sim.store.state.storages)) {
        if (params.storage !== undefined && params.storage !== id) continue;
        if (params.enabled === true && section.disable === 1) continue;
        const contents = splitList(text(section.content));
        if (
          params.content !== undefined &&
          !splitList(params.content).some((kind) => contents.includes(kind))
        )
          continue;
        if (!mayList(caller, id)) continue;
        rows.push({ storage: id, ...(await storageStatus(sim, id, section)) });
      }
      return rows;
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/status",
    params: { node: node(), storage: storageId() },
    permit: (caller, params) =>
      caller.require(`/storage/${params.storage}`, ["Datastore.Audit", "Datastore.AllocateSpace"], true),
    run: (params, { sim }) => {
      nodeOf(sim, params.node);
      return storageStatus(sim, params.storage, storageOf(sim, params.storage, params.node));
    },
  }),
];

/** Whether a caller sees a storage in lists. */
export function mayList(caller: Caller, storage: string): boolean {
  return ["Datastore.Audit", "Datastore.AllocateSpace"].some((each) =>
    caller.may(`/storage/${storage}`, each),
  );
}

/** What every node says of a storage that it has. */
export async function storageStatus(
  sim: Simulator,
  storage: string,
  section: Section,
): Promise<{ active: number; shared: unknown; total: number; used: number } & Record<string, unknown>> {
  const space = await statfs(sim.folder);
  const total = space.blocks * space.bsize;
  const avail = space.bavail * space.bsize;
  return {
    type: section.type,
    content: section.content,
    active: section.disable !== 1 && (await isReachable(sim, storage, section)) ? 1 : 0,
    enabled: section.disable === 1 ? 0 : 1,
    shared: section.shared ?? (section.type === "pbs" ? 1 : 0),
    total,
    avail,
    used: total - avail,
  };
}

/** A backup server that does not answer makes its storage inactive. */
async function isReachable(sim: Simulator, storage: string, section: Section): Promise<boolean> {
  if (section.type !== "pbs") return true;
  return listBackupVolumes(sim, storage).then(
    () => true,
    () => false,
  );
}
