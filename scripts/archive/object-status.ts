import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { isS3Error, type Store } from "./client.ts";
import type { ArchivedObject } from "./offsite.ts";
import { isArchiveClass, parseRestore } from "./retrieval.ts";

/** What S3 tells of an object without its content being read. */
export interface ObjectStatus {
  key: string;
  versionId: string | null;
  storageClass: string;
  /** Whether it can be read; `archived` needs a restore, which `restoring` waits for. */
  state: "readable" | "archived" | "restoring" | "missing";
  /** When a restored copy goes; `null` where it is none. */
  readableUntil: Date | null;
  /** `null` where there is none, or where the reader may not see it (`s3:GetObjectRetention`). */
  lockUntil: Date | null;
  sizeBytes: number;
  /** As S3 writes it; `undefined` where it knows none. */
  checksumSha256: string | undefined;
}

/** Asks for an object, also one in Glacier. One that is not there is `missing`. */
export async function describeObject(
  { client, bucket }: Store,
  { key, versionId }: Pick<ArchivedObject, "key" | "versionId">,
): Promise<ObjectStatus> {
  const head = new HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    ChecksumMode: "ENABLED",
    ...(versionId === null ? {} : { VersionId: versionId }),
  });
  try {
    const answer = await client.send(head);
    const storageClass = answer.StorageClass ?? "STANDARD";
    const restore = parseRestore(answer.Restore);
    const state = !isArchiveClass(storageClass)
      ? "readable"
      : restore === undefined
        ? "archived"
        : restore.ongoing
          ? "restoring"
          : "readable";
    return {
      key,
      versionId: versionId ?? answer.VersionId ?? null,
      storageClass,
      state,
      readableUntil: restore?.expiresAt ?? null,
      lockUntil: answer.ObjectLockRetainUntilDate ?? null,
      sizeBytes: answer.ContentLength ?? 0,
      checksumSha256: answer.ChecksumSHA256,
    };
  } catch (error) {
    if (!isS3Error(error, "NotFound", "NoSuchKey", "NoSuchVersion")) throw error;
    const nothing = { readableUntil: null, lockUntil: null, sizeBytes: 0, checksumSha256: undefined };
    return { key, versionId, storageClass: "", state: "missing", ...nothing };
  }
}

/** The object that lies under a key, where it is known to be the one expected: same size, same checksum. */
export async function adopt(
  store: Store | undefined,
  expected: ArchivedObject,
): Promise<ArchivedObject | undefined> {
  if (store === undefined) return undefined;
  const found = await describeObject(store, expected);
  if (found.checksumSha256 === undefined || difference(expected, found) !== undefined) return undefined;
  return { ...expected, versionId: found.versionId };
}

/**
 * Where what S3 tells of an object (also of one in Glacier) differs from what was sent; `undefined` where nothing does.
 * A service that tells no checksum of an object in parts is believed: each part was confirmed.
 */
export function difference(
  { key, sizeBytes, checksumSha256, partBytes }: ArchivedObject,
  found: ObjectStatus,
): string | undefined {
  if (found.state === "missing") return `${key} is missing`;
  if (found.sizeBytes !== sizeBytes) return `${key} has ${found.sizeBytes} bytes instead of ${sizeBytes}`;
  const told = found.checksumSha256;
  if (told === checksumSha256) return undefined;
  // Some services leave the number of parts out.
  if (partBytes !== null && (told === undefined || told === checksumSha256.replace(/-\d+$/, "")))
    return undefined;
  return `${key} has the checksum ${found.checksumSha256 ?? "(none)"} instead of ${checksumSha256}`;
}
