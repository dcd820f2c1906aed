import {
  type BackupTarget,
  deleteBackup,
  type ListedSnapshot,
  listBackups,
  protectBackup,
  type SnapshotId,
  writeNotes,
} from "../pbs/backup-client.ts";
import { selectKept } from "../pbs/prune.ts";
import { ApiError, failure, parameterError } from "./errors.ts";
import { parsePruneBackups } from "./property-string.ts";
import type { Simulator } from "./simulator.ts";
import { readStorageSecrets } from "./storage-secrets.ts";
import { storageOf, text, type Volume } from "./volumes.ts";

/** A backup on a storage as content listings show it. */
export interface BackupVolume extends Volume {
  vmid: number;
  ctime: number;
  subtype: "qemu";
  notes?: string;
  protected?: 1;
  /** Fingerprint of the key that it was encrypted with. */
  encrypted?: string;
  verification?: { state: string; upid: string };
}

/** Where a storage of type pbs keeps its backups; fails for another type. */
export async function targetOf(sim: Simulator, storage: string, node?: string): Promise<BackupTarget> {
  const section = storageOf(sim, storage, node);
  if (section.type !== "pbs")
    throw failure(`storage '${storage}' of type '${section.type}' holds no backups here`);
  const secrets = await readStorageSecrets(sim, storage);
  const optional = (name: string) => (section[name] === undefined ? {} : { [name]: text(section[name]) });
  return {
    server: text(section.server),
    port: Number(section.port ?? 8007),
    datastore: text(section.datastore),
    username: text(section.username),
    password: secrets.password ?? "",
    ...optional("namespace"),
    ...optional("fingerprint"),
    ...(secrets.key === undefined ? {} : { encryptionKey: secrets.key }),
  };
}

/** The backups on a storage, oldest first as the product lists them. */
export async function listBackupVolumes(
  sim: Simulator,
  storage: string,
  vmid?: number,
): Promise<BackupVolume[]> {
  const target = await targetOf(sim, storage);
  const filter = { type: "vm", ...(vmid === undefined ? {} : { id: String(vmid) }) };
  const found = await listBackups(target, filter).catch((error: unknown) => {
    throw new ApiError(500, `${storage}: error fetching datastores - ${reasonOf(error)}`);
  });
  return found
    .filter(({ type }) => type === "vm")
    .map((snapshot) => volumeOf(storage, snapshot))
    .sort((a, b) => a.vmid - b.vmid || a.ctime - b.ctime);
}

function volumeOf(storage: string, snapshot: ListedSnapshot): BackupVolume {
  const { id, time, size, comment, fingerprint, verification } = snapshot;
  return {
    volid: volidOf(storage, snapshot),
    content: "backup",
    subtype: "qemu",
    format: "pbs-vm",
    vmid: Number(id),
    ctime: time,
    size: size ?? 0,
    ...(comment === undefined ? {} : { notes: comment }),
    ...(snapshot.protected ? { protected: 1 as const } : {}),
    ...(fingerprint === undefined ? {} : { encrypted: fingerprint }),
    ...(verification === undefined ? {} : { verification: { ...verification } }),
  };
}

/** `pbs:backup/vm/100/2026-03-01T02:00:00Z` */
export function volidOf(storage: string, { type, id, time }: SnapshotId): string {
  return `${storage}:backup/${type}/${id}/${new Date(time * 1000).toISOString().replace(".000Z", "Z")}`;
}

/** The backup that a volume id names; undefined for another kind of volume. */
export function snapshotOf(volid: string): { storage: string; snapshot: SnapshotId } | undefined {
  const match = /^([^:]+):backup\/vm\/(\d+)\/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(volid);
  if (match === null) return undefined;
  const [, storage = "", id = "", time = ""] = match;
  return { storage, snapshot: { type: "vm", id, time: Date.parse(time) / 1000 } };
}

/** Removes a backup. */
export async function removeBackup(sim: Simulator, storage: string, snapshot: SnapshotId): Promise<void> {
  await deleteBackup(await targetOf(sim, storage), snapshot);
}

/** Changes what a backup's owner may say of it. */
export async function changeBackup(
  sim: Simulator,
  storage: string,
  snapshot: SnapshotId,
  change: { notes?: string | undefined; protected?: boolean | undefined },
): Promise<void> {
  const target = await targetOf(sim, storage);
  if (change.notes !== undefined) await writeNotes(target, snapshot, change.notes);
  if (change.protected !== undefined) await protectBackup(target, snapshot, change.protected);
}

/** A backup and what pruning would do with it. */
export interface Marked extends BackupVolume {
  mark: "keep" | "remove" | "protected";
}

/**
 * What rules keep and remove of a storage's backups.
 *
 * @param rules default those of the storage; everything stays where there are none
 */
export async function markBackups(
  sim: Simulator,
  storage: string,
  rules: string | undefined,
  vmid?: number,
): Promise<Marked[]> {
  const given = parsePruneBackups(rules ?? text(storageOf(sim, storage)["prune-backups"]));
  const keep = Object.fromEntries([...given].map(([name, count]) => [name, Number(count)]));
  const volumes = await listBackupVolumes(sim, storage, vmid);
  return [...Map.groupBy(volumes, (volume) => volume.vmid).values()].flatMap((group) => {
    const backups = group.map((volume) => ({
      volume,
      time: volume.ctime,
      protected: volume.protected === 1,
    }));
    const kept = selectKept(backups, keep["keep-all"] === 1 ? {} : keep);
    return backups.map((backup) => ({
      ...backup.volume,
      mark: backup.protected
        ? ("protected" as const)
        : kept.has(backup)
          ? ("keep" as const)
          : ("remove" as const),
    }));
  });
}

/** The backup with a volume id; fails where there is none. */
export async function backupOf(sim: Simulator, volid: string): Promise<BackupVolume> {
  const named = snapshotOf(volid);
  if (named === undefined) throw parameterError({ volume: `unable to parse PBS volume name '${volid}'` });
  const volumes = await listBackupVolumes(sim, named.storage, Number(named.snapshot.id));
  const found = volumes.find((volume) => volume.volid === volid);
  if (found === undefined) throw failure(`volume '${volid}' does not exist`);
  return found;
}

/** The words of an error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
