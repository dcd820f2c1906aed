/** A part of a bucket or object that has requests of its own: `?policy`, `?retention`. */
export type SubResource = Readonly<Partial<Record<"GET" | "HEAD" | "PUT" | "POST" | "DELETE", string>>>;

/** What AWS calls the actions on each part of a bucket. */
export const bucketParts: Readonly<Record<string, SubResource>> = {
  accelerate: { GET: "GetAccelerateConfiguration", PUT: "PutAccelerateConfiguration" },
  acl: { GET: "GetBucketAcl", PUT: "PutBucketAcl" },
  cors: { GET: "GetBucketCORS", PUT: "PutBucketCORS", DELETE: "PutBucketCORS" },
  encryption: {
    GET: "GetEncryptionConfiguration",
    PUT: "PutEncryptionConfiguration",
    DELETE: "PutEncryptionConfiguration",
  },
  inventory: {
    GET: "GetInventoryConfiguration",
    PUT: "PutInventoryConfiguration",
    DELETE: "PutInventoryConfiguration",
  },
  lifecycle: {
    GET: "GetLifecycleConfiguration",
    PUT: "PutLifecycleConfiguration",
    DELETE: "PutLifecycleConfiguration",
  },
  location: { GET: "GetBucketLocation" },
  logging: { GET: "GetBucketLogging", PUT: "PutBucketLogging" },
  notification: { GET: "GetBucketNotification", PUT: "PutBucketNotification" },
  "object-lock": { GET: "GetBucketObjectLockConfiguration", PUT: "PutBucketObjectLockConfiguration" },
  ownershipControls: {
    GET: "GetBucketOwnershipControls",
    PUT: "PutBucketOwnershipControls",
    DELETE: "PutBucketOwnershipControls",
  },
  policy: { GET: "GetBucketPolicy", PUT: "PutBucketPolicy", DELETE: "DeleteBucketPolicy" },
  policyStatus: { GET: "GetBucketPolicyStatus" },
  publicAccessBlock: {
    GET: "GetBucketPublicAccessBlock",
    PUT: "PutBucketPublicAccessBlock",
    DELETE: "PutBucketPublicAccessBlock",
  },
  replication: {
    GET: "GetReplicationConfiguration",
    PUT: "PutReplicationConfiguration",
    DELETE: "PutReplicationConfiguration",
  },
  requestPayment: { GET: "GetBucketRequestPayment", PUT: "PutBucketRequestPayment" },
  tagging: { GET: "GetBucketTagging", PUT: "PutBucketTagging", DELETE: "PutBucketTagging" },
  uploads: { GET: "ListBucketMultipartUploads" },
  versioning: { GET: "GetBucketVersioning", PUT: "PutBucketVersioning" },
  versions: { GET: "ListBucketVersions" },
};

/** The same of an object. */
export const objectParts: Readonly<Record<string, SubResource>> = {
  acl: { GET: "GetObjectAcl", PUT: "PutObjectAcl" },
  "legal-hold": { GET: "GetObjectLegalHold", PUT: "PutObjectLegalHold" },
  retention: { GET: "GetObjectRetention", PUT: "PutObjectRetention" },
  restore: { POST: "RestoreObject" },
  tagging: { GET: "GetObjectTagging", PUT: "PutObjectTagging", DELETE: "DeleteObjectTagging" },
};
