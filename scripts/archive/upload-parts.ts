import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { compositeSha256, sha256Base64 } from "./digests.ts";
import { extentsOf, type PlannedObject } from "./layout.ts";
import type { ArchivedObject } from "./offsite.ts";
import type { ObjectState } from "./upload-state.ts";
import { abortUpload, classAndLock, demandConfirmed, readChecked, type Uploads } from "./uploads.ts";

type Upload = NonNullable<ObjectState["upload"]>;

/** Sends an object in parts, leaving out those that lie there already, and makes it complete. */
export async function sendParts(
  uploads: Uploads,
  object: PlannedObject,
  state: ObjectState,
): Promise<ArchivedObject> {
  const upload = state.upload ?? (await begin(uploads, object, state));
  await sendMissing(uploads, object, state.key, upload);
  return await complete(uploads, object, state.key, upload);
}

/** Reads part after part, also those that were sent: only so is the whole of a file known to be as it was. */
async function sendMissing(
  uploads: Uploads,
  object: PlannedObject,
  key: string,
  upload: Upload,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for (let from = 0, number = 1; from < object.sizeBytes && failures.length === 0; number++) {
      uploads.signal.throwIfAborted();
      const to = Math.min(object.sizeBytes, from + upload.partBytes);
      const body = await readChecked(uploads, object, from, to);
      const sha256 = sha256Base64(body);
      from = to;
      if (upload.parts.some((part) => part.number === number && part.sha256 === sha256)) continue;
      const part = sendPart(uploads, key, upload, { number, sha256, body })
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(part));
      running.add(part);
      if (running.size >= uploads.settings.connections) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}

async function sendPart(
  { writer, state, signal }: Uploads,
  key: string,
  upload: Upload,
  { number, sha256, body }: { number: number; sha256: string; body: Buffer },
): Promise<void> {
  const put = new UploadPartCommand({
    Bucket: writer.bucket,
    Key: key,
    UploadId: upload.id,
    PartNumber: number,
    Body: body,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: sha256,
  });
  const answer = await writer.client.send(put, { abortSignal: signal });
  demandConfirmed(`part ${number} of ${key}`, sha256, answer.ChecksumSHA256);
  upload.parts = upload.parts.filter((part) => part.number !== number);
  upload.parts.push({ number, etag: answer.ETag ?? "", sha256 });
  await state.save();
}

async function complete(
  { writer, state, signal }: Uploads,
  object: PlannedObject,
  key: string,
  upload: Upload,
): Promise<ArchivedObject> {
  const parts = upload.parts.toSorted((a, b) => a.number - b.number);
  const checksumSha256 = compositeSha256(parts.map(({ sha256 }) => sha256));
  upload.completing = true;
  await state.save();
  const answer = await writer.client.send(
    new CompleteMultipartUploadCommand({
      Bucket: writer.bucket,
      Key: key,
      UploadId: upload.id,
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
  if (answer.ChecksumSHA256 !== undefined) demandConfirmed(key, checksumSha256, answer.ChecksumSHA256);
  return {
    key,
    versionId: answer.VersionId ?? null,
    sizeBytes: object.sizeBytes,
    checksumSha256,
    partBytes: upload.partBytes,
    extents: extentsOf(object),
  };
}

async function begin(
  { writer, settings, state: store, signal, now }: Uploads,
  object: PlannedObject,
  state: ObjectState,
): Promise<Upload> {
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
  try {
    await store.save();
  } catch (error) {
    // The next command would not know of it.
    await abortUpload(writer, state.key, UploadId);
    throw error;
  }
  return upload;
}
