import { isS3Error } from "./client.ts";
import { compositeSha256 } from "./digests.ts";
import { extentsOf, type PlannedObject } from "./layout.ts";
import { adopt } from "./object-status.ts";
import type { ArchivedObject } from "./offsite.ts";
import { sendParts } from "./upload-parts.ts";
import type { ObjectState } from "./upload-state.ts";
import { abortUpload, describe, freshKey, putBytes, readChecked, type Uploads } from "./uploads.ts";

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

async function sendOnce(
  uploads: Uploads,
  object: PlannedObject,
  state: ObjectState,
): Promise<ArchivedObject> {
  if (object.sizeBytes > uploads.settings.partBytes) {
    return await finish(uploads, state, await sendParts(uploads, object, state));
  }
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
