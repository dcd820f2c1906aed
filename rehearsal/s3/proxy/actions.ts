import { bucketParts, objectParts, type SubResource } from "./action-names.ts";
import { S3Error } from "./errors.ts";

/** A request to S3 as far as its permissions depend on it. */
export interface S3Request {
  readonly method: string;
  /** Empty for the list of buckets. */
  readonly bucket: string;
  /** Empty for a request to the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** A permission that a request needs. */
export interface Permission {
  readonly action: string;
  readonly resource: string;
}

/** Actions with a twin for a given version (AWS, service authorization reference, "Actions for Amazon S3"). */
const ofVersions: Readonly<Record<string, string>> = {
  GetObject: "GetObjectVersion",
  GetObjectAcl: "GetObjectVersionAcl",
  GetObjectTagging: "GetObjectVersionTagging",
  DeleteObject: "DeleteObjectVersion",
  PutObjectAcl: "PutObjectVersionAcl",
  PutObjectTagging: "PutObjectVersionTagging",
  DeleteObjectTagging: "DeleteObjectVersionTagging",
};

/** Only these parameters choose nothing: what they are added to stays the same request. */
const ignoredParameters = new Set(["x-id", "versionId"]);
const signatureParameter =
  /^X-Amz-(Algorithm|Content-Sha256|Credential|Date|Expires|SignedHeaders|Signature)$/;

/**
 * The permissions that a request needs, all of them, as the S3 API reference names them under "Permissions" of each
 * operation. The items of a multi-object delete are judged one by one, by {@link deletePermissions}.
 * @throws S3Error NotImplemented for a request that is not known here.
 */
export function permissionsFor(request: S3Request): readonly Permission[] {
  const { bucket, key, method } = request;
  if (bucket === "") return [{ action: "s3:ListAllMyBuckets", resource: "*" }];
  if (key === "") return bucketActions(request).map((name) => permission(name, bucketArn(bucket)));
  const arn = objectArn(bucket, key);
  const own = objectActions(request).map((name) => permission(name, arn));
  const source = method === "PUT" ? copySource(request) : undefined;
  return source === undefined
    ? own
    : [
        ...own,
        permission(source.versionId ? "GetObjectVersion" : "GetObject", objectArn(source.bucket, source.key)),
      ];
}

/** The permissions for deleting an object, or one version of it (API reference, DeleteObject). */
export function deletePermissions(
  bucket: string,
  key: string,
  versionId: string | undefined,
  bypassesGovernance: boolean,
): readonly Permission[] {
  const resource = objectArn(bucket, key);
  const action = versionId === undefined ? "DeleteObject" : "DeleteObjectVersion";
  return [
    permission(action, resource),
    ...(bypassesGovernance && versionId !== undefined
      ? [permission("BypassGovernanceRetention", resource)]
      : []),
  ];
}

export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

export function objectArn(bucket: string, key: string): string {
  return `${bucketArn(bucket)}/${key}`;
}

/** The object that a copy reads. */
export function copySource({
  headers,
}: Pick<S3Request, "headers">): { bucket: string; key: string; versionId: string | undefined } | undefined {
  const value = headers["x-amz-copy-source"];
  if (value === undefined) return undefined;
  const [path = "", query = ""] = value.split("?", 2);
  const [bucket = "", ...key] = decodeURIComponent(path).replace(/^\//, "").split("/");
  return { bucket, key: key.join("/"), versionId: new URLSearchParams(query).get("versionId") ?? undefined };
}

function bucketActions({ method, query, headers }: S3Request): string[] {
  const part = Object.keys(bucketParts).find((name) => query.has(name));
  if (part !== undefined) return [known(bucketParts[part], method, part)];
  if (method === "POST" && query.has("delete")) return [];
  if (method === "PUT" && isOnly(query, [])) {
    // API reference, CreateBucket: object lock needs two permissions more.
    const locked = headers["x-amz-bucket-object-lock-enabled"]?.toLowerCase() === "true";
    return ["CreateBucket", ...(locked ? ["PutBucketVersioning", "PutBucketObjectLockConfiguration"] : [])];
  }
  if (method === "DELETE" && isOnly(query, [])) return ["DeleteBucket"];
  if (method === "HEAD" && isOnly(query, [])) return ["ListBucket"];
  const listing = [
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "marker",
    "start-after",
    "continuation-token",
    "encoding-type",
    "fetch-owner",
  ];
  if (method === "GET" && isOnly(query, listing)) return ["ListBucket"];
  throw unknown(method, query);
}

function objectActions(request: S3Request): string[] {
  const { method, query, headers } = request;
  const versioned = (action: string) => (query.has("versionId") ? (ofVersions[action] ?? action) : action);
  const part = Object.keys(objectParts).find((name) => query.has(name));
  if (part !== undefined) {
    const action = versioned(known(objectParts[part], method, part));
    return [action, ...(method === "PUT" && part === "retention" ? bypass(headers) : [])];
  }
  if (query.has("uploadId")) {
    const ofUpload: SubResource = {
      GET: "ListMultipartUploadParts",
      PUT: "PutObject",
      POST: "PutObject",
      DELETE: "AbortMultipartUpload",
    };
    return [known(ofUpload, method, "uploadId")];
  }
  if (query.has("attributes") && method === "GET") return [versioned("GetObject"), "GetObjectAttributes"];
  if (method === "GET" || method === "HEAD") {
    const reading = [
      "partNumber",
      "response-content-type",
      "response-content-disposition",
      "response-content-encoding",
      "response-cache-control",
      "response-expires",
      "response-content-language",
    ];
    if (!isOnly(query, reading)) throw unknown(method, query);
    return [versioned("GetObject")];
  }
  if (method === "DELETE" && isOnly(query, [])) {
    return [versioned("DeleteObject"), ...(query.has("versionId") ? bypass(headers) : [])];
  }
  if ((method === "PUT" && isOnly(query, [])) || (method === "POST" && query.has("uploads"))) {
    return ["PutObject", ...withHeaders(headers)];
  }
  throw unknown(method, query);
}

/** What headers of an upload need besides s3:PutObject (API reference, PutObject, "Permissions"). */
function withHeaders(headers: S3Request["headers"]): string[] {
  const given = (name: string) => headers[name] !== undefined;
  return [
    ...(given("x-amz-object-lock-mode") || given("x-amz-object-lock-retain-until-date")
      ? ["PutObjectRetention"]
      : []),
    ...(given("x-amz-object-lock-legal-hold") ? ["PutObjectLegalHold"] : []),
    ...(given("x-amz-tagging") ? ["PutObjectTagging"] : []),
    ...(Object.keys(headers).some((name) => name === "x-amz-acl" || name.startsWith("x-amz-grant-"))
      ? ["PutObjectAcl"]
      : []),
  ];
}

/** S3 user guide, "Managing Object Lock": the header alone needs the permission. */
function bypass(headers: S3Request["headers"]): string[] {
  return headers["x-amz-bypass-governance-retention"]?.toLowerCase() === "true"
    ? ["BypassGovernanceRetention"]
    : [];
}

function permission(name: string, resource: string): Permission {
  return { action: `s3:${name}`, resource };
}

function known(part: SubResource | undefined, method: string, name: string): string {
  const action = part?.[method as keyof SubResource];
  if (action === undefined)
    throw new S3Error(501, "NotImplemented", `${method} ?${name} is not known to the rehearsal`);
  return action;
}

function isOnly(query: S3Request["query"], allowed: readonly string[]): boolean {
  return [...query.keys()].every(
    (name) => ignoredParameters.has(name) || signatureParameter.test(name) || allowed.includes(name),
  );
}

function unknown(method: string, query: S3Request["query"]): S3Error {
  return new S3Error(
    501,
    "NotImplemented",
    `${method} with the parameters ${[...query.keys()].join(", ") || "(none)"} is not known to the rehearsal`,
  );
}
