import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { anonymous, type Caller, demand, findCaller, type RootCredentials, refusal } from "./access.ts";
import { copySource, permissionsFor } from "./actions.ts";
import { type ReceivedBody, receive } from "./body.ts";
import { type ChunkSigner, decodeChunks } from "./chunked.ts";
import type { Context } from "./conditions.ts";
import { removeDenied, withErrors } from "./delete-list.ts";
import { S3Error } from "./errors.ts";
import { type Answer, pass } from "./forward.ts";
import { type BodyPlan, checkBody, demandChecksum, demandPartChecksums, planBody } from "./integrity.ts";
import { demandRetentionChange } from "./lock.ts";
import { demandLogTarget } from "./logging.ts";
import type { Facts, Moto } from "./moto.ts";
import { demandPublishable } from "./notices.ts";
import { demandKeys, demandRestored, idOf, isSubResource, ofObject, restore } from "./objects.ts";
import { parsePolicy } from "./policy.ts";
import { conditionContext, type ProxyRequest } from "./request.ts";
import type { Restores } from "./restores.ts";
import { servicePermission } from "./services.ts";
import { readSignature, type Signature, verifySignature } from "./signature.ts";

/** What the handler works with. */
export interface Parts {
  readonly moto: Moto;
  readonly restores: Restores;
  readonly root: RootCredentials;
  /** Where large bodies wait until they are proven right. */
  readonly spoolFolder: string;
}

/** Judges a request and lets it through or refuses it: who asks, whether it may, whether the body is what it says. */
export async function handle(parts: Parts, request: ProxyRequest, source: IncomingMessage): Promise<Answer> {
  const facts = await parts.moto.facts();
  const signature = readSignature(request);
  if (signature !== undefined && signature.service !== "s3")
    return handleService(parts, request, signature, source, facts);
  const { caller, signer } =
    signature === undefined
      ? { caller: anonymous, signer: undefined }
      : await identify(parts, request, signature, payloadHashOf(request), facts);
  const context = conditionContext(request, caller.principal, signature?.expiresSeconds !== undefined);
  const bucket = facts.buckets[request.bucket];
  if (signature && bucket && signature.region !== bucket.region) {
    throw new S3Error(
      400,
      "AuthorizationHeaderMalformed",
      `The authorization header is malformed; the region '${signature.region}' is wrong; expecting '${bucket.region}'`,
      { Region: bucket.region },
    );
  }
  demand(caller, permissionsFor(request), context, facts);
  await demandKeys(parts.moto, caller, request, facts);
  await demandRestored(parts, request);

  const plan = planBody(request.headers);
  const isPart = request.query.has("partNumber");
  const isUpload = request.method === "PUT" && request.key !== "" && (isPart || !isSubResource(request));
  if (isUpload && bucket?.locked && copySource(request) === undefined)
    demandChecksum(request.headers, plan, isPart);
  const { body, trailers } = await receiveBody(parts.spoolFolder, plan, signer, source);
  try {
    checkBody(request.headers, plan, body, trailers);
    return await act(parts, request, caller, context, body, trailers, facts);
  } finally {
    await body.discard();
  }
}

/** What each kind of request needs besides its permission. */
async function act(
  parts: Parts,
  request: ProxyRequest,
  caller: Caller,
  context: Context,
  body: ReceivedBody,
  trailers: ReadonlyMap<string, string>,
  facts: Facts,
): Promise<Answer> {
  const { method, query, bucket, key } = request;
  const is = (wanted: string, name: string) => method === wanted && query.has(name);
  if (key === "" && is("POST", "delete")) {
    const list = removeDenied(request, await body.text(), (permissions) =>
      permissions.every((permission) => refusal(caller, permission, context, facts) === undefined),
    );
    if (list.document === undefined)
      return {
        status: 200,
        headers: { "content-type": "application/xml" },
        body: withErrors(undefined, list.denied),
      };
    const answer = await pass(
      parts.moto,
      request,
      Readable.from([list.document]),
      Buffer.byteLength(list.document),
      trailers,
    );
    return list.denied.length === 0
      ? answer
      : { ...answer, headers: {}, body: withErrors(await textOf(answer.body), list.denied) };
  }
  if (key === "" && is("PUT", "policy")) demandPolicy(await body.text(), "MalformedPolicy");
  if (key === "" && is("PUT", "logging")) demandLogTarget(bucket, await body.text(), facts);
  if (key === "" && is("PUT", "notification")) demandPublishable(bucket, await body.text(), facts);
  if (key !== "" && is("POST", "restore")) return restore(parts, request, await body.text());
  if (key !== "" && is("PUT", "retention")) {
    const object = await parts.moto.object(idOf(request));
    if (object)
      demandRetentionChange(
        object,
        await body.text(),
        context.get("s3:x-amz-bypass-governance-retention")?.toLowerCase() === "true",
        new Date(),
      );
  }
  if (is("POST", "uploadId")) {
    const upload = await parts.moto.upload(bucket, query.get("uploadId") ?? "");
    if (upload?.checksumAlgorithm) demandPartChecksums(await body.text(), upload.checksumAlgorithm);
  }
  const answer = await pass(
    parts.moto,
    request,
    body.sizeBytes > 0 || method === "PUT" || method === "POST" ? body.stream() : undefined,
    body.sizeBytes,
    trailers,
  );
  return key === "" || (method !== "GET" && method !== "HEAD")
    ? answer
    : ofObject(parts, request, caller, context, facts, answer);
}

/** IAM, KMS, SNS and STS: the body is part of what is judged, so it is read first. */
async function handleService(
  parts: Parts,
  request: ProxyRequest,
  signature: Signature,
  source: IncomingMessage,
  facts: Facts,
): Promise<Answer> {
  const body = await receive(source, parts.spoolFolder, []);
  try {
    const { caller } = await identify(parts, request, signature, body.sha256, facts);
    const text = await body.text();
    const permission = servicePermission(
      { service: signature.service, headers: request.headers, body: text },
      facts,
    );
    if (permission !== undefined)
      demand(caller, [permission], conditionContext(request, caller.principal, false), facts);
    const policy = signature.service === "iam" ? new URLSearchParams(text).get("PolicyDocument") : null;
    if (policy !== null) demandPolicy(policy, "MalformedPolicyDocument");
    return await pass(parts.moto, request, body.stream(), body.sizeBytes, new Map());
  } finally {
    await body.discard();
  }
}

async function identify(
  { root }: Parts,
  request: ProxyRequest,
  signature: Signature,
  payloadHash: string,
  facts: Facts,
): Promise<{ readonly caller: Caller; readonly signer: ChunkSigner }> {
  const { caller, secret } = findCaller(signature.accessKeyId, signature.service, root, facts);
  return { caller, signer: await verifySignature(signature, request, secret, payloadHash, new Date()) };
}

/** S3 wants the hash of the payload in a header, or a word that says that there is none (API reference, "Common request headers"). */
function payloadHashOf({ headers, query }: ProxyRequest): string {
  const given = headers["x-amz-content-sha256"];
  if (given !== undefined) return given;
  if (query.has("X-Amz-Signature")) return query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD";
  throw new S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
}

async function receiveBody(
  folder: string,
  plan: BodyPlan,
  signer: ChunkSigner | undefined,
  source: IncomingMessage,
): Promise<{ readonly body: ReceivedBody; readonly trailers: ReadonlyMap<string, string> }> {
  if (plan.chunked === "no") return { body: await receive(source, folder, plan.wanted), trailers: new Map() };
  const chunks = decodeChunks(source, plan.chunked === "signed" ? signer : undefined);
  let trailers: ReadonlyMap<string, string> = new Map();
  const data = async function* () {
    trailers = yield* chunks;
  };
  return { body: await receive(data(), folder, plan.wanted), trailers };
}

/** What could not be evaluated is refused when it is put. */
function demandPolicy(document: string, code: string): void {
  try {
    parsePolicy(document);
  } catch (error) {
    throw new S3Error(400, code, error instanceof Error ? error.message : String(error));
  }
}

async function textOf(body: Readable | string): Promise<string> {
  if (typeof body === "string") return body;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
