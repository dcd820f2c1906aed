import { isIndex, type Manifest, type ManifestFile, sha256 } from "./archive.ts";
import { type BackupTarget, Connection, callApi, nameOf, type SnapshotId } from "./backup-connection.ts";
import { type BackupSession, Upload } from "./backup-upload.ts";
import { type Encryption, encryptionOf } from "./encryption.ts";

export type { BackupTarget, SnapshotId } from "./backup-connection.ts";
export type { BackupSession } from "./backup-upload.ts";

/** A backup as the server lists it. What its manifest says is missing where the manifest is broken. */
export interface ListedSnapshot extends SnapshotId {
  readonly size?: number;
  readonly owner?: string;
  readonly protected: boolean;
  /** The first line of its notes. */
  readonly comment?: string;
  /** Of the key that it was encrypted with. */
  readonly fingerprint?: string;
  /** Undefined when it was never verified. */
  readonly verification?: { readonly state: "ok" | "failed"; readonly upid: string };
  readonly files: readonly {
    readonly filename: string;
    readonly size?: number;
    readonly "crypt-mode"?: string;
  }[];
}

/** Begins a backup. @throws BackupRefused */
export async function openBackup(target: BackupTarget, snapshot: SnapshotId): Promise<BackupSession> {
  const connection = new Connection(target);
  try {
    const { id, previous, held } = await connection.begin(snapshot);
    return new Upload(connection, snapshot, id, new Set(previous), held);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * The content of one archive of a backup, decrypted. The stream fails where a chunk is missing or damaged.
 * @throws BackupRefused; Error where the key is not the backup's, or the backup was changed.
 */
export async function readBackup(
  target: BackupTarget,
  snapshot: SnapshotId,
  filename: string,
): Promise<AsyncIterable<Uint8Array>> {
  const connection = new Connection(target);
  try {
    const manifest = await connection.manifest(snapshot);
    const file = manifest.files.find((one) => one.filename === filename);
    if (!file) throw new Error(`${nameOf(snapshot)} has no ${filename}`);
    const encryption = decryptionOf(target, snapshot, manifest, file);
    const stored = await connection.file(snapshot, filename);
    if (sha256(stored) !== file.csum)
      throw new Error(`${filename} of ${nameOf(snapshot)} is damaged: wrong checksum`);
    if (isIndex(filename)) return connection.archive(snapshot, filename, stored, file, encryption);
    connection.close();
    const content = encryption ? encryption.open(stored) : stored;
    return (async function* () {
      yield content;
    })();
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The backups of the target's namespace that the caller may see, newest first. */
export async function listBackups(
  target: BackupTarget,
  filter: { readonly type?: string; readonly id?: string } = {},
): Promise<readonly ListedSnapshot[]> {
  const query = {
    ns: target.namespace,
    "backup-type": filter.type,
    "backup-id": filter.id,
  };
  const items = (await callApi(target, "GET", "snapshots", query)) as ListedItem[];
  return items.map(({ "backup-type": type, "backup-id": id, "backup-time": time, ...item }) => ({
    type,
    id,
    time,
    ...item,
  }));
}

type ListedItem = Omit<ListedSnapshot, "type" | "id" | "time"> & {
  "backup-type": SnapshotId["type"];
  "backup-id": string;
  "backup-time": number;
};

/** Removes a backup. Its chunks stay until a garbage collection finds that nothing else uses them. */
export async function deleteBackup(target: BackupTarget, snapshot: SnapshotId): Promise<void> {
  await callApi(target, "DELETE", "snapshots", apiKey(target, snapshot));
}

/** The notes of a backup; empty where it has none. */
export async function readNotes(target: BackupTarget, snapshot: SnapshotId): Promise<string> {
  return String((await callApi(target, "GET", "notes", apiKey(target, snapshot))) ?? "");
}

export async function writeNotes(target: BackupTarget, snapshot: SnapshotId, notes: string): Promise<void> {
  await callApi(target, "PUT", "notes", { ...apiKey(target, snapshot), notes });
}

/** A protected backup is neither pruned nor removed. */
export async function protectBackup(
  target: BackupTarget,
  snapshot: SnapshotId,
  isProtected: boolean,
): Promise<void> {
  await callApi(target, "PUT", "protected", {
    ...apiKey(target, snapshot),
    protected: isProtected ? "1" : "0",
  });
}

function apiKey(
  { namespace }: BackupTarget,
  { type, id, time }: SnapshotId,
): Record<string, string | undefined> {
  return { ns: namespace, "backup-type": type, "backup-id": id, "backup-time": String(time) };
}

function decryptionOf(
  target: BackupTarget,
  snapshot: SnapshotId,
  manifest: Manifest,
  file: ManifestFile,
): Encryption | undefined {
  if (file["crypt-mode"] === "none") return undefined;
  const made = manifest.unprotected["key-fingerprint"];
  if (!target.encryptionKey) throw new Error(`missing key - manifest was created with key ${made}`);
  const encryption = encryptionOf(target.encryptionKey);
  if (encryption.fingerprint !== made) {
    throw new Error(
      `wrong key - manifest's key ${made} does not match provided key ${encryption.fingerprint}`,
    );
  }
  if (!encryption.verifies(manifest))
    throw new Error(`the manifest of ${nameOf(snapshot)} has a wrong signature`);
  return encryption;
}
