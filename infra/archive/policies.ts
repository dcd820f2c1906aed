/** An IAM policy document. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly object[];
}

/** An AWS account, as resources of it are named. */
export interface Account {
  readonly id: string;
  /** `aws`, in China `aws-cn`. */
  readonly partition: string;
}

/** The account that a resource belongs to. */
export function accountOf(arn: string): Account {
  const [, partition = "aws", , , id = ""] = arn.split(":");
  return { id, partition };
}

export function bucketArnOf(bucket: string, { partition }: Account): string {
  return `arn:${partition}:s3:::${bucket}`;
}

/** Refuses every request to the bucket that is not encrypted on its way. */
export function tlsOnly(bucketArn: string): PolicyDocument {
  return document(encryptedTransport(bucketArn));
}

function encryptedTransport(bucketArn: string): object {
  return {
    Sid: "DenyUnencryptedTransport",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

/**
 * A writer may put objects under its own prefix and nothing else: whoever takes over its host can neither read, list,
 * overwrite (the bucket keeps versions) nor delete what is archived. Parts of a multipart upload need
 * `kms:Decrypt` besides `kms:GenerateDataKey` (AWS, "Permissions to use AWS KMS", S3 user guide). Checksums need no
 * right, and neither does the retention that the bucket gives by itself.
 */
export function putOnly(bucketArn: string, writer: string, keyArn: string): PolicyDocument {
  return document(
    {
      Sid: "PutUnderOwnPrefix",
      Effect: "Allow",
      Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
      Resource: `${bucketArn}/${writer}/*`,
    },
    { Sid: "Encrypt", Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: keyArn },
  );
}

/**
 * A repository of pgBackRest is kept by pgBackRest: it lists, reads and writes its own files again (its index of
 * backups with each), and removes by its own retention, so its user may do all of that below the prefix, which put-only
 * rights do not allow. It may list the whole bucket, because S3 says that an object is missing, which pgBackRest asks
 * for, only to who may do so without a condition (S3 API, HeadObject, "Permissions"): the bucket should be for nothing
 * else. Versions it may not touch: where the bucket keeps and locks them, nothing that it removes is gone.
 */
export function keepsRepository(bucketArn: string, prefix: string, keyArn: string): PolicyDocument {
  return document(
    { Sid: "List", Effect: "Allow", Action: "s3:ListBucket", Resource: bucketArn },
    {
      Sid: "KeepUnderOwnPrefix",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
      Resource: `${bucketArn}/${prefix}/*`,
    },
    { Sid: "Encrypt", Effect: "Allow", Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: keyArn },
  );
}

/** The reader of a recovery: lists, restores from Glacier and reads every bucket, and changes nothing. */
export function readOnly(bucketArns: readonly string[], keyArns: readonly string[]): PolicyDocument {
  return document(
    {
      Sid: "List",
      Effect: "Allow",
      Action: ["s3:ListBucket", "s3:ListBucketVersions"],
      Resource: bucketArns,
    },
    {
      Sid: "ReadAndRestore",
      Effect: "Allow",
      // Without the last one S3 does not say until when an object is locked.
      Action: ["s3:GetObject", "s3:GetObjectVersion", "s3:RestoreObject", "s3:GetObjectRetention"],
      Resource: bucketArns.map((arn) => `${arn}/*`),
    },
    {
      Sid: "Decrypt",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: keyArns.length === 1 ? keyArns[0] : keyArns,
    },
  );
}

/**
 * The log bucket takes access logs and inventories of the archive's buckets, and nothing from anybody else's (S3 user
 * guide, "Enabling Amazon S3 server access logging"; "Setting up inventory").
 */
export function takesLogs(logArn: string, sourceArns: readonly string[], { id }: Account): PolicyDocument {
  const fromArchive = { ArnLike: { "aws:SourceArn": sourceArns }, StringEquals: { "aws:SourceAccount": id } };
  return document(
    encryptedTransport(logArn),
    {
      Sid: "AccessLogs",
      Effect: "Allow",
      Principal: { Service: "logging.s3.amazonaws.com" },
      Action: "s3:PutObject",
      Resource: `${logArn}/access/*`,
      Condition: fromArchive,
    },
    {
      Sid: "Inventories",
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: "s3:PutObject",
      Resource: `${logArn}/inventory/*`,
      Condition: {
        ...fromArchive,
        StringEquals: { ...fromArchive.StringEquals, "s3:x-amz-acl": "bucket-owner-full-control" },
      },
    },
  );
}

/** Only S3, and only for these buckets of this account, publishes to the topic; the account itself manages it. */
export function takesNotices(
  topicArn: string,
  bucketArns: readonly string[],
  account: Account,
): PolicyDocument {
  return document(
    {
      Sid: "PublishFromArchive",
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: "sns:Publish",
      Resource: topicArn,
      Condition: {
        ArnLike: { "aws:SourceArn": bucketArns },
        StringEquals: { "aws:SourceAccount": account.id },
      },
    },
    {
      Sid: "EncryptedTransport",
      Effect: "Deny",
      Principal: "*",
      Action: "sns:Publish",
      Resource: topicArn,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  );
}

/**
 * The policy of the topic's key: the account decides by IAM, and S3 may use it to publish (SNS developer guide,
 * "Enable compatibility between event sources from AWS services and encrypted topics"). The key that AWS manages for
 * SNS would shut S3 out, since its policy cannot be changed.
 */
export function noticesKey(account: Account): PolicyDocument {
  return document(
    {
      Sid: "Account",
      Effect: "Allow",
      Principal: { AWS: `arn:${account.partition}:iam::${account.id}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "PublishEncrypted",
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: ["kms:GenerateDataKey*", "kms:Decrypt"],
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": account.id } },
    },
  );
}

/** Lets S3 take on the role that copies. */
export function assumedByS3(): PolicyDocument {
  return document({
    Sid: "Replicate",
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sts:AssumeRole",
  });
}

/** One side of a replication. */
export interface ReplicationSide {
  readonly bucketArn: string;
  readonly keyArn: string;
  readonly region: string;
}

/**
 * What S3 needs to copy new versions with their retention: it reads one bucket, writes one, deletes nothing and uses
 * each key only as S3 in that region (S3 user guide, "Setting up permissions for live replication"; "Replicating
 * encrypted objects"). With bucket keys the encryption context is the bucket.
 */
export function replicates(from: ReplicationSide, to: ReplicationSide): PolicyDocument {
  const through = ({ bucketArn, region }: ReplicationSide) => ({
    StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` },
    ArnLike: { "kms:EncryptionContext:aws:s3:arn": [bucketArn, `${bucketArn}/*`] },
  });
  return document(
    {
      Sid: "ReadConfiguration",
      Effect: "Allow",
      Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
      Resource: from.bucketArn,
    },
    {
      Sid: "ReadVersions",
      Effect: "Allow",
      Action: [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
      ],
      Resource: `${from.bucketArn}/*`,
    },
    {
      Sid: "WriteReplicas",
      Effect: "Allow",
      Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
      Resource: `${to.bucketArn}/*`,
    },
    {
      Sid: "Decrypt",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: from.keyArn,
      Condition: through(from),
    },
    {
      Sid: "Encrypt",
      Effect: "Allow",
      Action: ["kms:Encrypt", "kms:GenerateDataKey"],
      Resource: to.keyArn,
      Condition: through(to),
    },
  );
}

function document(...Statement: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement };
}
