import { describe, expect, it } from "vitest";
import { recordedLab } from "../../test/recorded-lab.ts";

const { ofType, named } = await recordedLab();

describe("the archive", () => {
  it.each(["dumps", "configuration", "images"])("locks and keeps %s as the site says", (purpose) => {
    const name = `archive-${purpose}`;
    expect(named("aws:s3/bucket:Bucket", name)).toMatchObject({
      objectLockEnabled: true,
      forceDestroy: false,
    });
    expect(named("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name)).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const { rules } = named("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", name) as {
      rules: unknown[];
    };
    expect(rules).toMatchObject([{ transitions: [{ storageClass: "GLACIER" }], expiration: { days: 365 } }]);
    expect(named("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", name)).toMatchObject({
      rule: { defaultRetention: { mode: "GOVERNANCE" } },
    });
  });

  it("gives a writer nothing but putting under its own prefix", () => {
    const { policy } = named("aws:iam/userPolicy:UserPolicy", "archive-dumps-proj-pg01");
    const { Statement } = JSON.parse(String(policy)) as {
      Statement: { Action: string | string[]; Resource: unknown }[];
    };
    expect(Statement.flatMap(({ Action }) => Action).sort()).toEqual([
      "kms:Decrypt",
      "kms:GenerateDataKey",
      "s3:AbortMultipartUpload",
      "s3:PutObject",
    ]);
    expect(Statement[0]?.Resource).toBe("arn:aws:s3:::archive-dumps/proj-pg01/*");
  });

  it("logs every access into a bucket that nobody else may fill", () => {
    expect(named("aws:s3/bucketLogging:BucketLogging", "archive-dumps")).toMatchObject({
      targetBucket: "radioastronomy-lab-archive-logs",
      targetPrefix: "access/radioastronomy-lab-dumps/",
    });
    expect(named("aws:s3/inventory:Inventory", "archive-images")).toMatchObject({
      includedObjectVersions: "All",
      schedule: { frequency: "Weekly" },
      destination: { bucket: { bucketArn: "arn:aws:s3:::archive-logs", encryption: { sseS3: {} } } },
    });
    const { policy } = named("aws:s3/bucketPolicy:BucketPolicy", "archive-logs");
    const { Statement } = JSON.parse(String(policy)) as { Statement: { Sid: string; Condition: object }[] };
    expect(Statement.find(({ Sid }) => Sid === "AccessLogs")?.Condition).toEqual({
      ArnLike: {
        "aws:SourceArn": ["dumps", "configuration", "images"].map(
          (purpose) => `arn:aws:s3:::radioastronomy-lab-${purpose}`,
        ),
      },
      StringEquals: { "aws:SourceAccount": "123456789012" },
    });
    const locked = ofType("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration");
    // S3 delivers no logs to a bucket with object lock.
    expect(locked.map(({ name }) => name)).not.toContain("archive-logs");
  });

  it("tells the administrators of completed restores over an encrypted topic", () => {
    expect(named("aws:s3/bucketNotification:BucketNotification", "archive-dumps").topics).toMatchObject([
      {
        topicArn: "arn:aws:sns:eu-central-1:123456789012:archive-restores",
        events: ["s3:ObjectRestore:Completed"],
      },
    ]);
    expect(named("aws:sns/topic:Topic", "archive-restores").kmsMasterKeyId).toMatch(/^arn:aws:kms:/);
    expect(ofType("aws:sns/topicSubscription:TopicSubscription").map(({ inputs }) => inputs)).toMatchObject([
      { protocol: "email", endpoint: "admin@radioastronomy.io" },
    ]);
  });

  it("copies to another region only where the site wants it", () => {
    expect(ofType("aws:s3/bucketReplicationConfig:BucketReplicationConfig")).toEqual([]);
    expect(ofType("aws:iam/role:Role")).toEqual([]);
  });
});
