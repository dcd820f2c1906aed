import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isIndex, manifestName, snapshotName } from "../archive.ts";
import { ApiError } from "../errors.ts";
import { openGroup, openStore, ownOnly, owns } from "../groups.ts";
import type { Values } from "../parameters.ts";
import type { Privilege } from "../permissions.ts";
import { type Route, type Server, textOf } from "../route.ts";
import {
  changeUnprotected,
  findSnapshot,
  listSnapshots,
  namespaceExists,
  removeSnapshot,
  type Snapshot,
} from "../snapshots.ts";
import { backupId, backupTime, backupType, id, namespace, optional } from "../types.ts";

const group = { store: id, ns: namespace, "backup-type": backupType, "backup-id": backupId };
const key = { ...group, "backup-time": backupTime };

/** Backups, one by one. */
export const snapshots: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/datastore/{store}/snapshots",
    parameters: {
      store: id,
      ns: namespace,
      "backup-type": optional(backupType),
      "backup-id": optional(backupId),
    },
    async run(server, values, caller) {
      const limited = ownOnly(server, values, caller, ["Datastore.Audit"], ["Datastore.Backup"]);
      const { root } = openStore(server, textOf(values, "store"));
      await requireNamespace(root, textOf(values, "ns"));
      const found = await listSnapshots(root, textOf(values, "ns"));
      const wanted = found.filter(
        (snapshot) =>
          (!limited || owns(snapshot.owner, caller)) &&
          (values["backup-type"] ?? snapshot.type) === snapshot.type &&
          (values["backup-id"] ?? snapshot.id) === snapshot.id,
      );
      return { data: wanted.map(snapshotItem) };
    },
  },
  {
    method: "DELETE",
    path: "/admin/datastore/{store}/snapshots",
    parameters: key,
    async run(server, values, caller) {
      const snapshot = await open(server, values, caller, ["Datastore.Modify"], ["Datastore.Prune"], "write");
      if (snapshot.protected) {
        throw new ApiError(400, `cannot remove protected snapshot ${nameOf(values)}`);
      }
      await removeSnapshot(snapshot);
      return { data: null };
    },
  },
  {
    method: "GET",
    path: "/admin/datastore/{store}/files",
    parameters: key,
    async run(server, values, caller) {
      const full = ["Datastore.Audit", "Datastore.Read"] as const;
      return { data: filesOf(await open(server, values, caller, full, ["Datastore.Backup"])) };
    },
  },
  {
    method: "GET",
    path: "/admin/datastore/{store}/notes",
    parameters: key,
    async run(server, values, caller) {
      const snapshot = await open(server, values, caller, ["Datastore.Audit"], ["Datastore.Backup"]);
      return { data: snapshot.manifest?.unprotected?.notes ?? "" };
    },
  },
  {
    method: "PUT",
    path: "/admin/datastore/{store}/notes",
    parameters: { ...key, notes: { type: "string" } },
    async run(server, values, caller) {
      const snapshot = await open(
        server,
        values,
        caller,
        ["Datastore.Modify"],
        ["Datastore.Backup"],
        "write",
      );
      const notes = textOf(values, "notes");
      await changeUnprotected(snapshot, (unprotected) => ({ ...unprotected, notes }));
      return { data: null };
    },
  },
  {
    method: "GET",
    path: "/admin/datastore/{store}/protected",
    parameters: key,
    async run(server, values, caller) {
      const snapshot = await open(server, values, caller, ["Datastore.Audit"], ["Datastore.Backup"]);
      return { data: snapshot.protected };
    },
  },
  {
    method: "PUT",
    path: "/admin/datastore/{store}/protected",
    parameters: { ...key, protected: { type: "boolean" } },
    async run(server, values, caller) {
      const snapshot = await open(
        server,
        values,
        caller,
        ["Datastore.Modify"],
        ["Datastore.Backup"],
        "write",
      );
      const mark = join(snapshot.folder, ".protected");
      await (values.protected === true ? writeFile(mark, "") : rm(mark, { force: true }));
      return { data: null };
    },
  },
];

async function open(
  server: Server,
  values: Values,
  caller: string,
  full: readonly Privilege[],
  own: readonly Privilege[],
  operation: "read" | "write" = "read",
): Promise<Snapshot> {
  const { root } = await openGroup(server, values, caller, full, own, operation);
  const found = await findSnapshot(root, textOf(values, "ns"), {
    type: textOf(values, "backup-type"),
    id: textOf(values, "backup-id"),
    time: Number(values["backup-time"]),
  });
  if (!found) throw new ApiError(400, `snapshot ${nameOf(values)} does not exist.`);
  return found;
}

/** @throws ApiError */
export async function requireNamespace(root: string, namespace: string): Promise<void> {
  if (!(await namespaceExists(root, namespace))) throw new ApiError(400, "ENOENT: No such file or directory");
}

function nameOf(values: Values): string {
  return snapshotName({
    "backup-type": textOf(values, "backup-type"),
    "backup-id": textOf(values, "backup-id"),
    "backup-time": Number(values["backup-time"]),
  });
}

/** A broken manifest leaves an item without size and verification, as in the product. */
function snapshotItem(snapshot: Snapshot): object {
  const common = {
    "backup-type": snapshot.type,
    "backup-id": snapshot.id,
    "backup-time": snapshot.time,
    owner: snapshot.owner,
    protected: snapshot.protected,
  };
  const { manifest } = snapshot;
  if (!manifest) return { ...common, files: snapshot.files.map(({ filename }) => ({ filename })) };
  const files = filesOf(snapshot);
  return {
    ...common,
    comment: manifest.unprotected?.notes?.split("\n")[0],
    files,
    size: files.reduce((sum, file) => sum + (file.size ?? 0), 0),
    verification: manifest.unprotected?.verify_state,
    fingerprint: manifest.unprotected?.["key-fingerprint"],
  };
}

/** The files of a backup with the size of their content; without it where the manifest does not know them. */
function filesOf({ manifest, files }: Snapshot) {
  const listed = new Map(manifest?.files.map((file) => [file.filename, file]));
  return files.map(({ filename, size }) => {
    const known = listed.get(filename);
    if (known) return { filename, size: known.size, "crypt-mode": known["crypt-mode"] ?? "none" };
    const isBlob = !isIndex(filename);
    return {
      filename,
      ...(isBlob ? { size } : {}),
      ...(filename === manifestName ? { "crypt-mode": "none" } : {}),
    };
  });
}
