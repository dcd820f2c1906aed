/** An IAM policy document. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly object[];
}

/** Refuses every request to the bucket that is not encrypted on its way. */
export function tlsOnly(bucketArn: string): PolicyDocument {
  return document({
    Sid: "DenyUnencryptedTransport",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  });
}

/**
 * A writer may put objects under its own prefix and nothing else: whoever takes over its host can neither read, list,
 * overwrite (the bucket keeps versions) nor delete what is archived. Parts of a multipart upload need
 * `kms:Decrypt` besides `kms:GenerateDataKey` (AWS, "Permissions to use AWS KMS", S3 user guide).
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

/** The reader of a recovery: lists, restores from Glacier and reads every bucket, and changes nothing. */
export function readOnly(bucketArns: readonly string[], keyArn: string): PolicyDocument {
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
      Action: ["s3:GetObject", "s3:GetObjectVersion", "s3:RestoreObject"],
      Resource: bucketArns.map((arn) => `${arn}/*`),
    },
    { Sid: "Decrypt", Effect: "Allow", Action: "kms:Decrypt", Resource: keyArn },
  );
}

function document(...Statement: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement };
}
