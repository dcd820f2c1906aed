import { ApiError } from "../errors.ts";
import { openGroup, openStore, ownOnly, owns } from "../groups.ts";
import { groupsOf } from "../prune-work.ts";
import { type Route, textOf } from "../route.ts";
import { listSnapshots, removeGroup, removeSnapshot } from "../snapshots.ts";
import { backupId, backupType, flag, id, namespace } from "../types.ts";
import { requireNamespace } from "./snapshots.ts";

/** Groups of backups. */
export const groups: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/datastore/{store}/groups",
    parameters: { store: id, ns: namespace },
    async run(server, values, caller) {
      const limited = ownOnly(server, values, caller, ["Datastore.Audit"], ["Datastore.Backup"]);
      const { root } = openStore(server, textOf(values, "store"));
      await requireNamespace(root, textOf(values, "ns"));
      const found = await listSnapshots(root, textOf(values, "ns"));
      const visible = found.filter(({ owner }) => !limited || owns(owner, caller));
      return {
        data: [...groupsOf(visible).values()].flatMap((list) => {
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
    method: "DELETE",
    path: "/admin/datastore/{store}/groups",
    parameters: {
      store: id,
      ns: namespace,
      "backup-type": backupType,
      "backup-id": backupId,
      "error-on-protected": flag,
    },
    async run(server, values, caller) {
      const full = ["Datastore.Modify"] as const;
      const { root } = await openGroup(server, values, caller, full, ["Datastore.Prune"], "write");
      const [type, name] = [textOf(values, "backup-type"), textOf(values, "backup-id")];
      const snapshots = (await listSnapshots(root, textOf(values, "ns"))).filter(
        (snapshot) => snapshot.type === type && snapshot.id === name,
      );
      for (const snapshot of snapshots) if (!snapshot.protected) await removeSnapshot(snapshot);
      const kept = snapshots.filter((snapshot) => snapshot.protected).length;
      if (kept > 0 && values["error-on-protected"] !== false) {
        throw new ApiError(400, "group only partially deleted due to protected snapshots");
      }
      if (kept === 0) await removeGroup(root, textOf(values, "ns"), type, name);
      return {
        data: {
          "protected-snapshots": kept,
          "removed-groups": kept === 0 ? 1 : 0,
          "removed-snapshots": snapshots.length - kept,
        },
      };
    },
  },
];
