import { randomBytes } from "node:crypto";
import { AbortMultipartUploadCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Store } from "./client.ts";
import type { ArchiveConfig } from "./config.ts";
import { type FileDigests, sha256Base64 } from "./digests.ts";
import { extentsOf, filesWithin, type PlannedObject, readRange } from "./layout.ts";
import type { ArchivedObject } from "./offsite.ts";
import type { UploadState } from "./upload-state.ts";

/** What all uploads of a run share. */
export interface Uploads {
  writer: Store;
  /** Where there is one, what lies under a taken key is looked at instead of being sent again. */
  reader: Store | undefined;
  settings: Pick<ArchiveConfig, "storageClass" | "lock" | "partBytes" | "connections">;
  state: UploadState;
  digests: FileDigests;
  /** Folder of the run. */
  folder: string;
  signal: AbortSignal;
  now(): Date;
}

/** Smaller objects stay in STANDARD, as lifecycles leave them there, where they can always be read. */
const smallestTransitionBytes = 128 * 1024;

/** A key that nobody has, for where the plain one is taken. */
export function freshKey(key: string): string {
  return `${key}~${randomBytes(4).toString("hex")}`;
}

/** Sends bytes as one object, never over another. Fails where S3 does not confirm their SHA-256. */
export async function putBytes(
  { writer, settings, signal, now }: Pick<Uploads, "writer" | "settings" | "signal" | "now">,
  key: string,
  body: Uint8Array,
): Promise<ArchivedObject> {
  const described = describe(key, body);
  const sha256 = described.checksumSha256;
  const answer = await writer.client.send(
    new PutObjectCommand({
      Bucket: writer.bucket,
      Key: key,
      Body: body,
      ChecksumAlgorithm: "SHA256",
      ChecksumSHA256: sha256,
      IfNoneMatch: "*",
      ...classAndLock(settings, body.length, now()),
    }),
    { abortSignal: signal },
  );
  demandConfirmed(key, sha256, answer.ChecksumSHA256);
  return { ...described, versionId: answer.VersionId ?? null };
}

/** Bytes as the object that they become. */
export function describe(key: string, body: Uint8Array): ArchivedObject {
  const checksumSha256 = sha256Base64(body);
  return { key, versionId: null, sizeBytes: body.length, checksumSha256, partBytes: null, extents: [] };
}

/** Gives an upload up, so that its parts cost nothing; the bucket's lifecycle does it where this fails. */
export async function abortUpload({ client, bucket }: Store, key: string, id: string): Promise<void> {
  const abort = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id });
  await client.send(abort).catch(() => undefined);
}

/** Reads a range of an object and holds it against the manifest. */
export async function readChecked(
  { folder, digests }: Uploads,
  object: PlannedObject,
  start: number,
  end: number,
): Promise<Buffer> {
  const range = await readRange(object, folder, start, end);
  for (const { file, offset, from, to } of filesWithin(extentsOf(object), start, end)) {
    digests.update(file, offset, range.subarray(from, to));
  }
  return range;
}

/** Class and lock that an object asks for. */
export function classAndLock({ storageClass, lock }: Uploads["settings"], sizeBytes: number, now: Date) {
  return {
    ...(storageClass === "STANDARD" || sizeBytes < smallestTransitionBytes
      ? {}
      : { StorageClass: storageClass }),
    ...(lock === undefined
      ? {}
      : {
          ObjectLockMode: lock.mode,
          ObjectLockRetainUntilDate: new Date(now.getTime() + lock.days * 86_400_000),
        }),
  };
}

/** Fails where S3 did not say that it has what was sent. */
export function demandConfirmed(what: string, sent: string, answered: string | undefined): void {
  if (answered === sent) return;
  throw new Error(
    `the service did not confirm the SHA-256 of ${what}: sent ${sent}, answered ${answered ?? "nothing"}`,
  );
}
