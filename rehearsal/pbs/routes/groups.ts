import { ApiError } from "../errors.ts";
import { userOf } from "../permissions.ts";
import { type KeepRules, selectKept } from "../prune.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import { listSnapshots, removeSnapshot, type Snapshot } from "../snapshots.ts";
import { backupId, backupType, flag, id, keepRules, namespace } from "../types.ts";
import { findStore } from "./datastore.ts";

/** Groups of backups, and pruning one of them. */
export const groups: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/datastore/{store}/groups",
    parameters: { store: id, ns: namespace },
    async run(server, values, caller) {
      const aclPath = storeAclPath(values);
      server.access.require(caller, aclPath, ["Datastore.Audit", "Datastore.Backup"], true);
      const all = server.access.has(caller, aclPath, ["Datastore.Audit"]);
      const found = await snapshotsOf(server, textOf(values, "store"), textOf(values, "ns"));
      const visible = found.filter(({ owner }) => all || owner === caller || owner === userOf(caller));
      return {
        data: [...Map.groupBy(visible, ({ type, id }) => `${type}/${id}`).values()].flatMap((list) => {
          const [newest] = list;
          if (!newest) return [];
          return {
            "backup-type": newest.type,
            "backup-id": newest.id,
            "last-backup": newest.time,
            "backup-count": list.length,
            files: newest.files.map(({ filename }) => filename),
            owner: newest.owner,
          };
        }),
      };
    },
  },
  {
    method: "POST",
    path: "/admin/datastore/{store}/prune",
    parameters: {
      store: id,
      ns: namespace,
      "backup-type": backupType,
      "backup-id": backupId,
      ...keepRules,
      "dry-run": flag,
      "use-task": flag,
    },
    async run(server, values, caller) {
      const aclPath = storeAclPath(values);
      server.access.require(caller, aclPath, ["Datastore.Modify", "Datastore.Prune"], true);
      const found = await snapshotsOf(server, textOf(values, "store"), textOf(values, "ns"));
      const group = found.filter(
        ({ type, id }) => type === values["backup-type"] && id === values["backup-id"],
      );
      const owner = group[0]?.owner;
      if (!server.access.has(caller, aclPath, ["Datastore.Modify"]) && owner !== caller) {
        throw new ApiError(400, `backup owner check failed (${caller} != ${owner})`);
      }
      const kept = selectKept(group, values as KeepRules);
      if (values["dry-run"] !== true) {
        for (const snapshot of group) if (!kept.has(snapshot)) await removeSnapshot(snapshot);
      }
      return {
        data: group.map((snapshot) => ({
          "backup-type": snapshot.type,
          "backup-id": snapshot.id,
          "backup-time": snapshot.time,
          keep: kept.has(snapshot),
          protected: snapshot.protected,
        })),
      };
    },
  },
];

function snapshotsOf(server: Server, store: string, ns: string): Promise<Snapshot[]> {
  return listSnapshots(server.localPath(textOf(findStore(server, store), "path")), ns);
}
