import type { Permission } from "./actions.ts";
import { S3Error } from "./errors.ts";
import type { Facts } from "./moto.ts";

/** A request to IAM, KMS, SNS or STS. */
export interface ServiceRequest {
  readonly service: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * The permission that a request to a service other than S3 needs: the operation is the action. Where the resource
 * cannot be told it is `*`, which only a policy for all resources allows. Undefined for what everybody may
 * (`sts:GetCallerIdentity`: STS API reference).
 */
export function servicePermission(
  { service, headers, body }: ServiceRequest,
  facts: Facts,
): Permission | undefined {
  if (service === "kms") {
    const operation = headers["x-amz-target"]?.split(".")[1];
    if (operation === undefined) throw new S3Error(400, "UnknownOperation", "x-amz-target is missing");
    return { action: `kms:${operation}`, resource: kmsKeyOf(body, facts) ?? "*" };
  }
  if (service === "iam" || service === "sns" || service === "sts") {
    const parameters = new URLSearchParams(body);
    const operation = parameters.get("Action");
    if (operation === null) throw new S3Error(400, "MissingAction", "Action is missing");
    if (operation === "GetCallerIdentity") return undefined;
    return { action: `${service}:${operation}`, resource: parameters.get("TopicArn") ?? "*" };
  }
  throw new S3Error(501, "NotImplemented", `the service ${service} is not known to the rehearsal`);
}

/** The ARN of a key that is named by its id, ARN or alias. */
export function resolveKey(name: string, facts: Facts): string | undefined {
  if (name in facts.keys) return name;
  return Object.entries(facts.keys).find(([, { id }]) => id === name || name.endsWith(`key/${id}`))?.[0];
}

function kmsKeyOf(body: string, facts: Facts): string | undefined {
  const { KeyId, CiphertextBlob } = JSON.parse(body || "{}") as { KeyId?: string; CiphertextBlob?: string };
  // A ciphertext names its key: moto writes the id in front of it.
  const name =
    KeyId ??
    (CiphertextBlob === undefined
      ? undefined
      : Buffer.from(CiphertextBlob, "base64").toString("latin1", 0, 36));
  return name === undefined ? undefined : resolveKey(name, facts);
}
