import type { Caller } from "./auth.ts";
import { failure } from "./errors.ts";
import { boolean, node, oneOf, parsed, storageId, text, vmid } from "./fields.ts";
import { backupOf, changeBackup, markBackups, removeBackup, snapshotOf } from "./pbs-storage.ts";
import { parsePruneBackups } from "./property-string.ts";
import { type Route, route } from "./route.ts";
import { nodeOf } from "./simulator.ts";
import { storageOf } from "./volumes.ts";

const place = { node: node(), storage: storageId() };
const selection = {
  ...place,
  "prune-backups": parsed(parsePruneBackups).optional(),
  type: oneOf(["qemu", "lxc"]).optional(),
  vmid: vmid().optional(),
};

/** Notes, protection and retention of the backups on a storage. */
export const backupContentRoutes: Route[] = [
  route({
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/content/{volume}",
    params: { ...place, volume: text() },
    permit: requireVolume,
    run: async (params, { sim }) => {
      nodeOf(sim, params.node);
      const found = await backupOf(sim, volidIn(params));
      const { format, size, notes, protected: isProtected } = found;
      return {
        ...given({ notes, protected: isProtected }),
        format,
        size,
        used: size,
        path: `${found.volid.replace(`${params.storage}:backup/`, "")}`,
      };
    },
  }),
  route({
    method: "PUT",
    path: "/nodes/{node}/storage/{storage}/content/{volume}",
    params: { ...place, volume: text(), notes: text().optional(), protected: boolean().optional() },
    permit: requireVolume,
    run: async ({ notes, protected: isProtected, ...params }, { sim }) => {
      nodeOf(sim, params.node);
      const { volid } = await backupOf(sim, volidIn(params));
      const named = snapshotOf(volid);
      if (named) await changeBackup(sim, params.storage, named.snapshot, { notes, protected: isProtected });
    },
  }),
  route({
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/prunebackups",
    params: selection,
    permit: (caller, params) =>
      caller.require(`/storage/${params.storage}`, ["Datastore.Audit", "Datastore.AllocateSpace"], true),
    run: async (params, { sim }) => {
      nodeOf(sim, params.node);
      storageOf(sim, params.storage, params.node);
      if (params.type === "lxc") return [];
      const marked = await markBackups(sim, params.storage, params["prune-backups"], params.vmid);
      return marked.map(({ volid, ctime, mark, vmid: id }) => ({
        volid,
        ctime,
        mark,
        type: "qemu",
        vmid: id,
      }));
    },
  }),
  route({
    method: "DELETE",
    path: "/nodes/{node}/storage/{storage}/prunebackups",
    params: selection,
    permit: (caller, params) => {
      if (caller.may(`/storage/${params.storage}`, "Datastore.Allocate")) return;
      caller.require(`/storage/${params.storage}`, ["Datastore.AllocateSpace"]);
      if (params.vmid === undefined) caller.require(`/storage/${params.storage}`, ["Datastore.Allocate"]);
      else caller.require(`/vms/${params.vmid}`, ["VM.Backup"]);
    },
    run: (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      storageOf(sim, params.storage, params.node);
      const about = { node: params.node, type: "prunebackups", id: params.storage, user: caller.id };
      return sim.tasks.start(about, async (log) => {
        const marked =
          params.type === "lxc"
            ? []
            : await markBackups(sim, params.storage, params["prune-backups"], params.vmid);
        for (const volume of marked) {
          log(`${volume.mark} ${volume.volid}`);
          const named = snapshotOf(volume.volid);
          if (volume.mark === "remove" && named) await removeBackup(sim, params.storage, named.snapshot);
        }
      });
    },
  }),
];

interface VolumeParams {
  readonly storage: string;
  readonly volume: string;
}

/** A volume with or without its storage before it. */
export function volidIn({ storage, volume }: VolumeParams): string {
  const volid = volume.includes(":") && !volume.startsWith("backup/") ? volume : `${storage}:${volume}`;
  if (!volid.startsWith(`${storage}:`)) throw failure(`volume '${volid}' is not on storage '${storage}'`);
  return volid;
}

/** Who may see a guest's backup: whoever administers the storage, or may use it and back the guest up. */
export function requireBackup(caller: Caller, volid: string): void {
  const named = snapshotOf(volid);
  const storage = named?.storage ?? volid.split(":")[0];
  if (caller.may(`/storage/${storage}`, "Datastore.Allocate")) return;
  caller.require(`/storage/${storage}`, ["Datastore.AllocateSpace"]);
  if (named) caller.require(`/vms/${named.snapshot.id}`, ["VM.Backup"]);
}

/** The same as a question. */
export function mayUseBackup(caller: Caller, volid: string): boolean {
  try {
    requireBackup(caller, volid);
    return true;
  } catch {
    return false;
  }
}

function requireVolume(caller: Caller, params: VolumeParams): void {
  requireBackup(caller, volidIn(params));
}

function given(values: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
