import type { Permission } from "./actions.ts";
import { bucketArn } from "./actions.ts";
import type { Context } from "./conditions.ts";
import { accessDenied, S3Error } from "./errors.ts";
import type { Facts } from "./moto.ts";
import { effectOf, type Policy, type Principal, parsePolicy, refusalOf } from "./policy.ts";
import { resolveKey } from "./services.ts";

/** Who asks, with the policies of the user. */
export interface Caller {
  readonly principal: Principal;
  readonly policies: readonly Policy[];
}

/** The account's own credentials, which no IAM user has. */
export interface RootCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Whose key it is, and its secret.
 * @throws S3Error InvalidAccessKeyId, or what the service calls it, where nobody has it or it is inactive
 */
export function findCaller(
  accessKeyId: string,
  service: string,
  root: RootCredentials,
  facts: Facts,
): { readonly caller: Caller; readonly secret: string } {
  const { account } = facts;
  if (accessKeyId === root.accessKeyId) {
    const principal = { type: "root", arn: `arn:aws:iam::${account}:root`, account } as const;
    return { caller: { principal, policies: [] }, secret: root.secretAccessKey };
  }
  for (const user of facts.users) {
    const key = user.keys.find(({ id, active }) => active && id === accessKeyId);
    if (key === undefined) continue;
    const principal = { type: "user", arn: user.arn, account } as const;
    return { caller: { principal, policies: user.policies.map(parsePolicy) }, secret: key.secret };
  }
  throw unknownKey(accessKeyId, service);
}

/** Each service calls it otherwise (API references of S3, IAM, STS, SNS and KMS, "Errors"). */
function unknownKey(accessKeyId: string, service: string): S3Error {
  if (service === "s3") {
    const message = "The AWS Access Key Id you provided does not exist in our records.";
    return new S3Error(403, "InvalidAccessKeyId", message, { AWSAccessKeyId: accessKeyId });
  }
  const message = "The security token included in the request is invalid.";
  return new S3Error(403, service === "kms" ? "UnrecognizedClient" : "InvalidClientTokenId", message);
}

export const anonymous: Caller = { principal: { type: "anonymous" }, policies: [] };

/** Requests about the bucket's policy itself: the root user is never shut out of them (S3 API reference, PutBucketPolicy). */
const ofPolicyItself = new Set(["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"]);

/** Why a caller may not do something to a bucket or an object; undefined where it may. */
export function refusal(
  caller: Caller,
  { action, resource }: Permission,
  context: Context,
  facts: Facts,
): string | undefined {
  if (caller.principal.type === "root" && ofPolicyItself.has(action)) return undefined;
  const bucket = /^arn:aws:s3:::([^/]+)/.exec(resource)?.[1];
  const text = bucket === undefined ? null : (facts.buckets[bucket]?.policy ?? null);
  const request = { principal: caller.principal, action, resource, context };
  const reason = refusalOf(
    { identity: caller.policies, resource: text === null ? [] : [parsePolicy(text)] },
    request,
  );
  if (reason === undefined) return undefined;
  return caller.principal.type === "user" || caller.principal.type === "root"
    ? `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: "${resource}" ${reason}`
    : "Access Denied";
}

/** @throws S3Error AccessDenied with the reason */
export function demand(
  caller: Caller,
  permissions: readonly Permission[],
  context: Context,
  facts: Facts,
): void {
  for (const permission of permissions) {
    const reason = refusal(caller, permission, context, facts);
    if (reason !== undefined) throw accessDenied(reason);
  }
}

/**
 * Demands what S3 asks of KMS in the caller's name: `kms:GenerateDataKey` to write, `kms:Decrypt` to read, both for
 * the parts of an upload (S3 user guide, "Using server-side encryption with AWS KMS keys", "Permissions").
 * @throws S3Error AccessDenied, or KMS.DisabledException and the like where the key cannot be used
 */
export function demandKey(
  caller: Caller,
  keyName: string,
  actions: readonly string[],
  bucket: string,
  facts: Facts,
): void {
  const arn = resolveKey(keyName, facts);
  const key = arn === undefined ? undefined : facts.keys[arn];
  if (arn === undefined || key === undefined)
    throw new S3Error(400, "KMS.NotFoundException", `Key '${keyName}' does not exist`);
  const context = new Map([
    ["kms:viaservice", `s3.${key.region}.amazonaws.com`],
    ["kms:calleraccount", facts.account],
    ["kms:encryptioncontext:aws:s3:arn", bucketArn(bucket)],
  ]);
  for (const action of actions) {
    if (!mayUseKey(caller, action, arn, context, facts)) {
      const who = "arn" in caller.principal ? caller.principal.arn : "anonymous";
      throw accessDenied(`User: ${who} is not authorized to perform: ${action} on resource: ${arn}`);
    }
  }
  if (key.state === "Disabled") throw new S3Error(400, "KMS.DisabledException", `${arn} is disabled.`);
  // S3 cannot read what a key that is about to be deleted protects.
  if (key.state !== "Enabled")
    throw new S3Error(400, "KMS.KMSInvalidStateException", `${arn} is pending deletion.`);
}

/**
 * Whether the key's policy lets somebody use it: directly, or by leaving it to the account, whose IAM policies then
 * decide (KMS developer guide, "Default key policy").
 */
export function mayUseKey(
  { principal, policies }: Caller,
  action: string,
  keyArn: string,
  context: Context,
  facts: Facts,
): boolean {
  const keyPolicy = [parsePolicy(facts.keys[keyArn]?.policy ?? '{"Statement":[]}')];
  const request = { principal, action, resource: keyArn, context };
  const byKey = effectOf(keyPolicy, request);
  const byUser = effectOf(policies, request);
  if (byKey === "deny" || byUser === "deny") return false;
  if (byKey === "allow") return true;
  if (principal.type !== "user" || byUser !== "allow") return false;
  const account = {
    type: "root",
    arn: `arn:aws:iam::${principal.account}:root`,
    account: principal.account,
  } as const;
  return effectOf(keyPolicy, { ...request, principal: account }) === "allow";
}
