import { type Caller, demandKey, refusal } from "./access.ts";
import { bucketArn, copySource } from "./actions.ts";
import type { Context } from "./conditions.ts";
import { accessDenied, S3Error } from "./errors.ts";
import type { Answer } from "./forward.ts";
import type { Facts, Moto, ObjectId } from "./moto.ts";
import { announce } from "./notices.ts";
import type { ProxyRequest } from "./request.ts";
import { archiveClasses, type Restores } from "./restores.ts";

/** Where objects and the copies of archived ones are known. */
interface Known {
  readonly moto: Moto;
  readonly restores: Restores;
}

/** What S3 needs of the key: of the bucket's to write, of the object's to read, of the upload's for its parts. */
export async function demandKeys(
  moto: Moto,
  caller: Caller,
  request: ProxyRequest,
  facts: Facts,
): Promise<void> {
  const { method, bucket, key, query, headers } = request;
  if (key === "") return;
  const uploadId = query.get("uploadId");
  if (uploadId !== undefined) {
    const upload = method === "PUT" || method === "POST" ? await moto.upload(bucket, uploadId) : undefined;
    // A completion may be repeated, and is answered anew; a part of what is not there any more is refused.
    if (method === "PUT" && upload === undefined) throw noSuchUpload(uploadId);
    if (upload?.kmsKey)
      demandKey(caller, upload.kmsKey, ["kms:GenerateDataKey", "kms:Decrypt"], bucket, facts);
  } else if (method === "GET" && !isSubResource(request)) {
    const object = await moto.object(idOf(request));
    if (object?.kmsKey) demandKey(caller, object.kmsKey, ["kms:Decrypt"], bucket, facts);
  } else if ((method === "PUT" && !isSubResource(request)) || (method === "POST" && query.has("uploads"))) {
    const wanted = headers["x-amz-server-side-encryption-aws-kms-key-id"] ?? facts.buckets[bucket]?.kmsKey;
    const algorithm = headers["x-amz-server-side-encryption"];
    if (wanted && algorithm !== "AES256") demandKey(caller, wanted, ["kms:GenerateDataKey"], bucket, facts);
    const copied = copySource(request);
    const object = copied === undefined ? undefined : await moto.object(copied);
    if (copied && object?.kmsKey) demandKey(caller, object.kmsKey, ["kms:Decrypt"], copied.bucket, facts);
  }
}

/** @throws S3Error InvalidObjectState for what is archived and not restored (S3 API reference, GetObject) */
export async function demandRestored({ moto, restores }: Known, request: ProxyRequest): Promise<void> {
  const read =
    request.method === "PUT"
      ? copySource(request)
      : request.method === "GET" && !isSubResource(request) && !request.query.has("uploadId")
        ? idOf(request)
        : undefined;
  if (read === undefined || read.key === "") return;
  const object = await moto.object(read);
  if (object === undefined || !archiveClasses.has(object.storageClass)) return;
  if (restores.isReadable({ ...read, versionId: object.versionId ?? undefined })) return;
  throw new S3Error(403, "InvalidObjectState", "The operation is not valid for the object's storage class", {
    StorageClass: object.storageClass,
  });
}

export async function restore(
  { moto, restores }: Known,
  request: ProxyRequest,
  document: string,
): Promise<Answer> {
  const object = await moto.object(idOf(request));
  if (object === undefined)
    throw new S3Error(404, "NoSuchKey", "The specified key does not exist.", { Key: request.key });
  const days = Number(/<Days>(\d+)<\/Days>/.exec(document)?.[1] ?? Number.NaN);
  if (!(days >= 1))
    throw new S3Error(
      400,
      "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema",
    );
  const tier = /<Tier>(\w+)<\/Tier>/.exec(document)?.[1] ?? "Standard";
  const id = { ...idOf(request), versionId: object.versionId ?? undefined };
  const status = await restores.request(id, object.storageClass, days, tier);
  if (status === 202)
    for (const problem of await announce(moto, "s3:ObjectRestore:Post", id, restores.now()))
      console.error(problem);
  return { status, headers: {}, body: "" };
}

/** What is answered about an object: the state of its restore, and nothing of what is not there. */
export async function ofObject(
  { moto, restores }: Known,
  request: ProxyRequest,
  caller: Caller,
  context: Context,
  facts: Facts,
  answer: Answer,
): Promise<Answer> {
  const may = (action: string, resource: string) =>
    refusal(caller, { action, resource }, context, facts) === undefined;
  // Who may not list a bucket is not told what it lacks (S3 API reference, GetObject, "Permissions").
  const mayList = may("s3:ListBucket", bucketArn(request.bucket));
  if (answer.status === 404 && facts.buckets[request.bucket] && !mayList) {
    if (typeof answer.body !== "string") answer.body.resume();
    throw accessDenied();
  }
  // Only who may see a retention is told of it (S3 API reference, HeadObject, "x-amz-object-lock-mode").
  const seesLock = may("s3:GetObjectRetention", `${bucketArn(request.bucket)}/${request.key}`);
  const hidden = ["x-amz-restore", ...(seesLock ? [] : retentionHeaders)];
  const headers = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => !hidden.includes(name)),
  );
  const object = answer.status < 300 ? await moto.object(idOf(request)) : undefined;
  if (object === undefined || !archiveClasses.has(object.storageClass)) return { ...answer, headers };
  const header = restores.header({ ...idOf(request), versionId: object.versionId ?? undefined });
  return { ...answer, headers: header === undefined ? headers : { ...headers, "x-amz-restore": header } };
}

const retentionHeaders = ["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"];

function noSuchUpload(id: string): S3Error {
  return new S3Error(
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { UploadId: id },
  );
}

export function isSubResource({ query }: ProxyRequest): boolean {
  return ["acl", "attributes", "legal-hold", "restore", "retention", "tagging", "uploads"].some((name) =>
    query.has(name),
  );
}

export function idOf({ bucket, key, query }: ProxyRequest): ObjectId {
  return { bucket, key, versionId: query.get("versionId") };
}
