import { randomBytes } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { isS3Error, type Store } from "./client.ts";
import type { ArchiveConfig } from "./config.ts";
import { compositeSha256, type FileDigests, sha256Base64 } from "./digests.ts";
import { extentsOf, filesWithin, type PlannedObject, readRange } from "./layout.ts";
import { adopt } from "./object-status.ts";
import type { ArchivedObject } from "./offsite.ts";
import type { ObjectState, UploadState } from "./upload-state.ts";

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

/**
 * Brings one object into the bucket, from where an earlier attempt ended, and never over another object. Every byte is
 * on its way held against the manifest, and every part's SHA-256 against what S3 answers.
 */
export async function uploadObject(
  uploads: Uploads,
  object: PlannedObject,
  key: string,
): Promise<ArchivedObject> {
  const state = uploads.state.object(object.name, key);
  if (state.done !== null) {
    await rereadCut(uploads, object);
    return state.done;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendOnce(uploads, object, state);
    } catch (error) {
      if (attempt === 5 || !isS3Error(error, "PreconditionFailed", "NoSuchUpload")) throw error;
      const expired = isS3Error(error, "NoSuchUpload") && state.upload?.completing !== true;
      const found = expired ? undefined : await findOwn(uploads, object, state);
      if (found !== undefined) return await finish(uploads, state, found);
      if (isS3Error(error, "PreconditionFailed")) await abandon(uploads, state);
      // Whose object has the key cannot be seen with the writer's rights; a new key is always right.
      if (!expired) state.key = freshKey(key);
      state.upload = null;
      await uploads.state.save();
    }
  }
}

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

function describe(key: string, body: Uint8Array): ArchivedObject {
  const checksumSha256 = sha256Base64(body);
  return { key, versionId: null, sizeBytes: body.length, checksumSha256, partBytes: null, extents: [] };
}

/** Gives an upload up, so that its parts cost nothing; the bucket's lifecycle does it where this fails. */
export async function abortUpload({ client, bucket }: Store, key: string, id: string): Promise<void> {
  const abort = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id });
  await client.send(abort).catch(() => undefined);
}

async function sendOnce(
  uploads: Uploads,
  object: PlannedObject,
  state: ObjectState,
): Promise<ArchivedObject> {
  if (object.sizeBytes > uploads.settings.partBytes) return await sendParts(uploads, object, state);
  const body = await readChecked(uploads, object, 0, object.sizeBytes);
  const sent = await putBytes(uploads, state.key, body).catch(async (error: unknown) => {
    const found = isS3Error(error, "PreconditionFailed")
      ? await adopt(uploads.reader, describe(state.key, body))
      : undefined;
    if (found === undefined) throw error;
    return found;
  });
  return await finish(uploads, state, { ...sent, extents: extentsOf(object) });
}

async function sendParts(
  uploads: Uploads,
  object: PlannedObject,
  state: ObjectState,
): Promise<ArchivedObject> {
  const { writer, state: store, settings, signal } = uploads;
  const upload = state.upload ?? (await begin(uploads, object, state));
  const target = { Bucket: writer.bucket, Key: state.key, UploadId: upload.id };
  const running = new Set<Promise<void>>();
  let failure: unknown;
  const start = async (number: number, body: Buffer, sha256: string) => {
    const answer = await writer.client.send(
      new UploadPartCommand({
        ...target,
        PartNumber: number,
        Body: body,
        ChecksumAlgorithm: "SHA256",
        ChecksumSHA256: sha256,
      }),
      { abortSignal: signal },
    );
    demandConfirmed(`part ${number} of ${state.key}`, sha256, answer.ChecksumSHA256);
    upload.parts = upload.parts.filter((part) => part.number !== number);
    upload.parts.push({ number, etag: answer.ETag ?? "", sha256 });
    await store.save();
  };
  try {
    for (let from = 0, number = 1; from < object.sizeBytes && failure === undefined; number++) {
      signal.throwIfAborted();
      const to = Math.min(object.sizeBytes, from + upload.partBytes);
      // Also what was sent before is read again: only so is the whole of the file known to be as it was.
      const body = await readChecked(uploads, object, from, to);
      const sha256 = sha256Base64(body);
      from = to;
      if (upload.parts.some((part) => part.number === number && part.sha256 === sha256)) continue;
      const part = start(number, body, sha256)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => running.delete(part));
      running.add(part);
      if (running.size >= settings.connections) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure;
  const parts = upload.parts.toSorted((a, b) => a.number - b.number);
  const checksumSha256 = compositeSha256(parts.map(({ sha256 }) => sha256));
  upload.completing = true;
  await store.save();
  const answer = await writer.client.send(
    new CompleteMultipartUploadCommand({
      ...target,
      IfNoneMatch: "*",
      MultipartUpload: {
        Parts: parts.map(({ number, etag, sha256 }) => ({
          PartNumber: number,
          ETag: etag,
          ChecksumSHA256: sha256,
        })),
      },
    }),
    { abortSignal: signal },
  );
  // Each part was confirmed already, so that a service that says nothing here is believed.
  if (answer.ChecksumSHA256 !== undefined) demandConfirmed(state.key, checksumSha256, answer.ChecksumSHA256);
  return await finish(uploads, state, {
    key: state.key,
    versionId: answer.VersionId ?? null,
    sizeBytes: object.sizeBytes,
    checksumSha256,
    partBytes: upload.partBytes,
    extents: extentsOf(object),
  });
}

async function begin(
  { writer, settings, state: store, signal, now }: Uploads,
  object: PlannedObject,
  state: ObjectState,
): Promise<NonNullable<ObjectState["upload"]>> {
  const { UploadId } = await writer.client.send(
    new CreateMultipartUploadCommand({
      Bucket: writer.bucket,
      Key: state.key,
      ChecksumAlgorithm: "SHA256",
      ChecksumType: "COMPOSITE",
      ...classAndLock(settings, object.sizeBytes, now()),
    }),
    { abortSignal: signal },
  );
  if (UploadId === undefined) throw new Error(`the service began no upload of ${state.key}`);
  const upload = { id: UploadId, partBytes: settings.partBytes, parts: [], completing: false };
  state.upload = upload;
  await store.save();
  return upload;
}

async function readChecked(
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

/** A file that is cut is known to be as it was only when all of it was read, also what was sent before. */
async function rereadCut(uploads: Uploads, object: PlannedObject): Promise<void> {
  if (!/\.\d+-of-\d+$/.test(object.name)) return;
  for (let from = 0; from < object.sizeBytes; from += uploads.settings.partBytes) {
    const to = Math.min(object.sizeBytes, from + uploads.settings.partBytes);
    await readChecked(uploads, object, from, to);
  }
}

/** What lies under the key, where it is what an earlier attempt sent and whose answer was lost. */
async function findOwn(
  { reader }: Uploads,
  object: PlannedObject,
  { key, upload }: ObjectState,
): Promise<ArchivedObject | undefined> {
  if (upload === null) return undefined;
  const parts = upload.parts.toSorted((a, b) => a.number - b.number);
  return await adopt(reader, {
    key,
    versionId: null,
    sizeBytes: object.sizeBytes,
    checksumSha256: compositeSha256(parts.map(({ sha256 }) => sha256)),
    partBytes: upload.partBytes,
    extents: extentsOf(object),
  });
}

async function abandon({ writer }: Uploads, { key, upload }: ObjectState): Promise<void> {
  if (upload !== null) await abortUpload(writer, key, upload.id);
}

async function finish(
  { state: store }: Uploads,
  state: ObjectState,
  done: ArchivedObject,
): Promise<ArchivedObject> {
  state.done = done;
  state.upload = null;
  await store.save();
  return done;
}

function classAndLock({ storageClass, lock }: Uploads["settings"], sizeBytes: number, now: Date) {
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

function demandConfirmed(what: string, sent: string, answered: string | undefined): void {
  if (answered === sent) return;
  throw new Error(
    `the service did not confirm the SHA-256 of ${what}: sent ${sent}, answered ${answered ?? "nothing"}`,
  );
}
