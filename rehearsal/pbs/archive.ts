import { createHash } from "node:crypto";

/** Content is cut into pieces of so many bytes. */
export const chunkBytes = 4 << 20;

/** How many bytes encryption adds to a chunk or blob: nonce and tag. */
export const encryptionOverheadBytes = 12 + 16;

/** The pieces of an archive, in order. */
export interface ArchiveIndex {
  /** Of the content, before encryption. */
  readonly size: number;
  /** SHA-256 of each piece as it is stored; every piece but the last holds {@link chunkBytes} of content. */
  readonly digests: readonly string[];
}

export type CryptMode = "none" | "encrypt";

export interface ManifestFile {
  readonly filename: string;
  /** Bytes of content. */
  readonly size: number;
  /** SHA-256 of the file in the backup's folder. */
  readonly csum: string;
  readonly "crypt-mode": CryptMode;
}

/** What a backup consists of. `unprotected` may change later, so no signature covers it. */
export interface Manifest {
  readonly "backup-type": string;
  readonly "backup-id": string;
  readonly "backup-time": number;
  readonly files: readonly ManifestFile[];
  readonly signature?: string;
  readonly unprotected: Unprotected;
}

export interface Unprotected {
  readonly notes?: string;
  readonly verify_state?: VerifyState;
  readonly "key-fingerprint"?: string;
}

export interface VerifyState {
  readonly state: "ok" | "failed";
  readonly upid: string;
}

export const manifestName = "index.json.blob";

/** A backup as the API names it. */
export interface SnapshotKey {
  readonly "backup-type": string;
  readonly "backup-id": string;
  /** Seconds since 1970. */
  readonly "backup-time": number;
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** As a backup's folder is called: `2026-03-01T02:00:00Z`. */
export function timeName(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** `vm/100/2026-03-01T02:00:00Z`. */
export function snapshotName(key: SnapshotKey): string {
  return `${key["backup-type"]}/${key["backup-id"]}/${timeName(key["backup-time"])}`;
}

/** Whether a file of a backup is an index of chunks (and not a blob). */
export function isIndex(filename: string): boolean {
  return /\.[df]idx$/.test(filename);
}
