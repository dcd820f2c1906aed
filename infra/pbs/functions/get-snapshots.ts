import { z } from "zod";
import { defineFunction } from "../../provider/resource.ts";
import { apiPath, type PbsClient } from "../client.ts";
import { namespace, storeName } from "../resources/values.ts";
import { asList, forEach, namespacesIn } from "./walk.ts";

/** Which kind of guest or host a backup is of. */
export const backupType = z.enum(["vm", "ct", "host"], { error: "a backup is of a vm, a ct or a host" });

/** Id of a group of backups within its type, for example the number of a guest. */
export const backupId = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'a backup id has letters, digits, ".", "_" and "-"');

/** Lists the backups that a datastore holds, the newest first. */
export const getSnapshotsInputs = z.object({
  store: storeName,
  ns: namespace.optional(),
  /** Whether the namespaces below count too. */
  recursive: z.boolean().default(false),
  /** Only backups of this type. */
  backupType: backupType.optional(),
  /** Only backups of this id. */
  backupId: backupId.optional(),
});

const snapshotFile = z.object({
  /** For example `drive-scsi0.img.fidx`. */
  filename: z.string(),
  /** Bytes before deduplication; unknown where the manifest is broken. */
  size: z.number().optional(),
  /** How it is protected: none, encrypt or sign-only. */
  cryptMode: z.string().optional(),
});

const snapshot = z.object({
  /** Empty for the root. */
  ns: z.string(),
  backupType,
  backupId: z.string(),
  /** Seconds since 1970. */
  backupTime: z.number(),
  /** Bytes before deduplication; unknown where the manifest is broken, and then the backup is not to be relied on. */
  size: z.number().optional(),
  /** User or token that made the backup. */
  owner: z.string().optional(),
  /** First line of its notes. */
  comment: z.string().optional(),
  /** Whether it can neither be pruned nor removed. */
  protected: z.boolean(),
  /** Result of the last verification; absent when it was never verified. */
  verification: z.enum(["ok", "failed"]).optional(),
  /** Of the key that encrypted it. */
  fingerprint: z.string().optional(),
  /** What it consists of. */
  files: z.array(snapshotFile),
});

/** The backups that were found. */
export const getSnapshotsOutputs = z.object({
  /** Newest first. */
  snapshots: z.array(snapshot),
});

type Snapshot = z.output<typeof snapshot>;

export const getSnapshots = defineFunction<PbsClient, typeof getSnapshotsInputs, typeof getSnapshotsOutputs>({
  token: "pbs:index:getSnapshots",
  inputs: getSnapshotsInputs,
  outputs: getSnapshotsOutputs,
  async run(client, { store, ns, recursive, backupType, backupId }, signal) {
    const scope = { store, ns, maxDepth: recursive ? undefined : 0 };
    const found = await forEach(await namespacesIn(client, scope, signal), async (name) => {
      const { data } = await client.get(
        apiPath`/admin/datastore/${store}/snapshots`,
        { ns: name || undefined, "backup-type": backupType, "backup-id": backupId },
        signal,
      );
      return asList<Item>(data, "snapshots").map((item) => snapshotOf(item, name));
    });
    return { snapshots: found.flat().sort((a, b) => b.backupTime - a.backupTime) };
  },
});

/** As the server lists it. */
interface Item {
  readonly "backup-type": Snapshot["backupType"];
  readonly "backup-id": string;
  readonly "backup-time": number;
  readonly size?: number;
  readonly owner?: string;
  readonly comment?: string;
  readonly protected?: boolean;
  readonly verification?: { readonly state: "ok" | "failed" };
  readonly fingerprint?: string;
  readonly files?: readonly (string | { filename: string; size?: number; "crypt-mode"?: string })[];
}

function snapshotOf(item: Item, ns: string): Snapshot {
  return {
    ns,
    backupType: item["backup-type"],
    backupId: item["backup-id"],
    backupTime: item["backup-time"],
    size: item.size,
    owner: item.owner,
    comment: item.comment,
    protected: item.protected === true,
    verification: item.verification?.state,
    fingerprint: item.fingerprint,
    files: (item.files ?? []).map((file) =>
      typeof file === "string"
        ? { filename: file }
        : { filename: file.filename, size: file.size, cryptMode: file["crypt-mode"] },
    ),
  };
}
