import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
} from "@aws-sdk/client-s3";

/** Where the objects are that somebody tries to get at. */
export interface Given {
  /** What the writer has put. */
  readonly own: { readonly Bucket: string; readonly Key: string };
  /** What another writer has put. */
  readonly others: { readonly Bucket: string; readonly Key: string };
  /** Of its own object; known once it is there. */
  readonly ownVersion: () => string | undefined;
  /** Another bucket of the archive. */
  readonly elsewhere: string;
  /** The bucket of logs. */
  readonly log: string;
}

/** What is tried, and the command. Typed as one of them: which one makes no difference to a client that is refused. */
export type Attempt = readonly [what: string, command: () => GetObjectCommand];

const until = new Date(Date.now() + 86_400_000);

/** Each way in which a writer could do more than put its own objects. */
export function refusedToWriter({ own, others, ownVersion, elsewhere, log }: Given): Attempt[] {
  const { Bucket } = own;
  return attempts([
    ["read its own object", () => new GetObjectCommand(own)],
    ["read a version of it", () => new GetObjectCommand({ ...own, VersionId: ownVersion() })],
    ["read another writer's object", () => new GetObjectCommand(others)],
    ["delete its own object", () => new DeleteObjectCommand(own)],
    ["delete a version of it", () => new DeleteObjectCommand({ ...own, VersionId: ownVersion() })],
    [
      "delete a version past its lock",
      () => new DeleteObjectCommand({ ...own, VersionId: ownVersion(), BypassGovernanceRetention: true }),
    ],
    ["delete another writer's object", () => new DeleteObjectCommand(others)],
    ["put under another writer's prefix", () => new PutObjectCommand({ ...others, Body: "x" })],
    ["put under no prefix", () => new PutObjectCommand({ Bucket, Key: "x", Body: "x" })],
    ["begin an upload under another prefix", () => new CreateMultipartUploadCommand(others)],
    ["put into another bucket", () => new PutObjectCommand({ ...own, Bucket: elsewhere, Body: "x" })],
    ["put into the log", () => new PutObjectCommand({ Bucket: log, Key: "access/x", Body: "x" })],
    [
      "choose a retention of its own",
      () =>
        new PutObjectCommand({
          ...own,
          Body: "x",
          ObjectLockMode: "GOVERNANCE",
          ObjectLockRetainUntilDate: until,
        }),
    ],
    [
      "copy another writer's object",
      () => new CopyObjectCommand({ ...own, CopySource: `${Bucket}/${others.Key}` }),
    ],
    ["tag what it puts", () => new PutObjectCommand({ ...own, Body: "x", Tagging: "a=b" })],
    [
      "change the retention",
      () =>
        new PutObjectRetentionCommand({ ...own, Retention: { Mode: "GOVERNANCE", RetainUntilDate: until } }),
    ],
    ["hold an object for ever", () => new PutObjectLegalHoldCommand({ ...own, LegalHold: { Status: "ON" } })],
    ["tag an object", () => new PutObjectTaggingCommand({ ...own, Tagging: { TagSet: [] } })],
    ["restore an object", () => new RestoreObjectCommand({ ...own, RestoreRequest: { Days: 1 } })],
    ["list the bucket", () => new ListObjectsV2Command({ Bucket })],
    ["list its own prefix", () => new ListObjectsV2Command({ Bucket, Prefix: "proj-pg01/" })],
    ["list versions", () => new ListObjectVersionsCommand({ Bucket })],
    ["list uploads", () => new ListMultipartUploadsCommand({ Bucket })],
    ["list parts", () => new ListPartsCommand({ ...own, UploadId: "x" })],
    ["list buckets", () => new ListBucketsCommand({})],
    ["read the policy", () => new GetBucketPolicyCommand({ Bucket })],
    ["change the policy", () => new PutBucketPolicyCommand({ Bucket, Policy: "{}" })],
    ["read the lock", () => new GetObjectLockConfigurationCommand({ Bucket })],
    [
      "change the lock",
      () =>
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
        }),
    ],
    [
      "suspend versioning",
      () => new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
    ],
    [
      "let objects expire",
      () => new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [] } }),
    ],
    ["stop the log", () => new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })],
  ]);
}

/** Each way in which the reader could do more than list, read and restore. */
export function refusedToReader({ own, ownVersion, log }: Given): Attempt[] {
  const { Bucket } = own;
  return attempts([
    ["put", () => new PutObjectCommand({ ...own, Body: "x" })],
    ["copy", () => new CreateMultipartUploadCommand(own)],
    ["delete", () => new DeleteObjectCommand(own)],
    ["delete a version", () => new DeleteObjectCommand({ ...own, VersionId: ownVersion() })],
    [
      "bypass the lock",
      () => new DeleteObjectCommand({ ...own, VersionId: ownVersion(), BypassGovernanceRetention: true }),
    ],
    [
      "change the retention",
      () =>
        new PutObjectRetentionCommand({
          ...own,
          Retention: { Mode: "GOVERNANCE", RetainUntilDate: until },
        }),
    ],
    ["change the lifecycle", () => new DeleteBucketLifecycleCommand({ Bucket })],
    ["change the policy", () => new PutBucketPolicyCommand({ Bucket, Policy: "{}" })],
    ["read the log", () => new ListObjectsV2Command({ Bucket: log })],
    ["list buckets", () => new ListBucketsCommand({})],
  ]);
}

function attempts(list: readonly (readonly [what: string, command: () => unknown])[]): Attempt[] {
  return list.map(([what, command]) => [what, command as () => GetObjectCommand]);
}
