import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IAMClient, ListUsersCommand } from "@aws-sdk/client-iam";
import {
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketTaggingCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketTaggingCommand,
  ListBucketsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import * as aws from "@pulumi/aws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findMotoServer, startS3, type TestServer } from "../../s3/testing.ts";
import { findPulumi, type TestStack, testStack } from "../testing.ts";
import { awsProvider } from "./provider.ts";

const motoServer = await findMotoServer();
const pulumi = await findPulumi();
if (!motoServer || !pulumi)
  console.warn("skipped: pulumi or moto_server is missing; ./lab doctor names the way");

/** A bucket with every setting, a key, and a user who may only put. */
function archive(url: string, days: number) {
  return async () => {
    const provider = new aws.Provider("aws", {
      region: "eu-central-1",
      accessKey: "test",
      secretKey: "test",
      s3UsePathStyle: true,
      skipCredentialsValidation: true,
      skipMetadataApiCheck: true,
      skipRequestingAccountId: true,
      skipRegionValidation: true,
      endpoints: [{ s3: url, iam: url, kms: url, sts: url }],
      defaultTags: { tags: { lab: "test" } },
    });
    const opts = { provider };
    const key = new aws.kms.Key(
      "key",
      { description: "dumps", enableKeyRotation: true, deletionWindowInDays: 7, tags: { use: "dumps" } },
      opts,
    );
    new aws.kms.Alias("alias", { name: "alias/dumps", targetKeyId: key.keyId }, opts);
    const bucket = new aws.s3.Bucket(
      "bucket",
      { bucket: "lab-dumps", objectLockEnabled: true, forceDestroy: true, tags: { use: "dumps" } },
      opts,
    ).bucket;
    new aws.s3.BucketVersioning(
      "versioning",
      { bucket, versioningConfiguration: { status: "Enabled" } },
      opts,
    );
    new aws.s3.BucketPublicAccessBlock(
      "block",
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      opts,
    );
    new aws.s3.BucketOwnershipControls(
      "owner",
      { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      opts,
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      "encryption",
      {
        bucket,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn },
            bucketKeyEnabled: true,
          },
        ],
      },
      opts,
    );
    new aws.s3.BucketLifecycleConfiguration(
      "lifecycle",
      {
        bucket,
        rules: [
          {
            id: "archive",
            status: "Enabled",
            filter: { prefix: "dumps/" },
            transitions: [{ days, storageClass: "GLACIER" }],
            expiration: { days: 400 },
            noncurrentVersionExpiration: { noncurrentDays: 30 },
          },
          { id: "uploads", status: "Enabled", abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } },
        ],
      },
      opts,
    );
    new aws.s3.BucketObjectLockConfiguration(
      "lock",
      { bucket, rule: { defaultRetention: { mode: "GOVERNANCE", days: 30 } } },
      opts,
    );
    new aws.s3.BucketPolicy("policy", { bucket, policy: JSON.stringify(tlsOnly, null, 2) }, opts);
    const user = new aws.iam.User("user", { name: "writer", path: "/lab/" }, opts);
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: ["s3:PutObject"], Resource: "arn:aws:s3:::lab-dumps/*" }],
    };
    new aws.iam.UserPolicy(
      "put-only",
      { name: "put", user: user.name, policy: JSON.stringify(policy) },
      opts,
    );
    const access = new aws.iam.AccessKey("access", { user: user.name }, opts);
    return { secret: access.secret, keyId: access.id, arn: key.arn };
  };
}

const tlsOnly = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: ["arn:aws:s3:::lab-dumps", "arn:aws:s3:::lab-dumps/*"],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
};

describe.skipIf(!pulumi)("without a server", { timeout: 60_000 }, () => {
  it("previews, because a preview contacts nobody", async () => {
    const test = await testStack(pulumi ?? "", awsProvider, archive("http://127.0.0.1:1", 30));
    try {
      const { changeSummary } = await test.stack.preview();
      expect(changeSummary.create).toBe(15);
    } finally {
      await test.close();
    }
  });

  it("shows a property that the stand-in does not know in the preview", async () => {
    const test = await testStack(pulumi ?? "", awsProvider, async () => {
      new aws.s3.Bucket("b", { bucket: "lab", acl: "private" });
    });
    try {
      await expect(test.stack.preview()).rejects.toThrow('there is no property "acl"');
    } finally {
      await test.close();
    }
  });

  it("refuses a provider setting that it does not know", async () => {
    const test = await testStack(pulumi ?? "", awsProvider, async () => {
      new aws.Provider("aws", { region: "eu-central-1", profile: "real-account" });
    });
    try {
      await expect(test.stack.preview()).rejects.toThrow("profile: there is no such setting");
    } finally {
      await test.close();
    }
  });

  it("refuses to go anywhere without an endpoint", async () => {
    const test = await testStack(pulumi ?? "", awsProvider, async () => {
      const provider = new aws.Provider("aws", { region: "eu-central-1", accessKey: "a", secretKey: "b" });
      new aws.iam.User("u", { name: "u" }, { provider });
    });
    try {
      await expect(test.stack.up()).rejects.toThrow("has no endpoint for iam");
    } finally {
      await test.close();
    }
  });
});

describe.skipIf(!motoServer || !pulumi)("against a server", { timeout: 120_000 }, () => {
  let folder: string;
  let server: TestServer;
  let test: TestStack;
  let s3: S3Client;
  let iam: IAMClient;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aws-"));
    server = await startS3(motoServer ?? "", folder);
    const common = {
      endpoint: server.url,
      region: "eu-central-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    s3 = new S3Client({ ...common, forcePathStyle: true });
    iam = new IAMClient(common);
    test = await testStack(pulumi ?? "", awsProvider, archive(server.url, 30));
  });
  afterAll(async () => {
    await test?.close();
    await server?.end("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  it("builds everything and then has nothing to do, also after a refresh", async () => {
    const { outputs } = await test.stack.up();
    expect(outputs.secret?.secret).toBe(true);
    expect(String(outputs.secret?.value)).toHaveLength(40);
    expect(outputs.arn?.value).toMatch(/^arn:aws:kms:eu-central-1:/);
    const tags = await s3.send(new GetBucketTaggingCommand({ Bucket: "lab-dumps" }));
    expect(tags.TagSet).toHaveLength(2);
    await test.stack.refresh({ expectNoChanges: true });
    await test.stack.preview({ expectNoChanges: true });
  });

  it("does not take a policy that only looks different for drift", async () => {
    const [statement] = tlsOnly.Statement;
    const reordered = { Statement: { ...statement, Principal: "*" }, Version: tlsOnly.Version };
    await s3.send(new PutBucketPolicyCommand({ Bucket: "lab-dumps", Policy: JSON.stringify(reordered) }));
    await test.stack.refresh();
    await test.stack.preview({ expectNoChanges: true });
  });

  it("finds and mends what was changed behind its back", async () => {
    await s3.send(new DeleteBucketLifecycleCommand({ Bucket: "lab-dumps" }));
    await s3.send(new DeleteBucketTaggingCommand({ Bucket: "lab-dumps" }));
    const { summary } = await test.stack.refresh();
    expect(summary.resourceChanges).toMatchObject({ update: 1, delete: 1 });
    await test.stack.up();
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: "lab-dumps" }));
    expect(Rules).toHaveLength(2);
    await test.stack.refresh({ expectNoChanges: true });
  });

  it("changes a rule in place", async () => {
    test.stack.workspace.program = archive(server.url, 60);
    const { summary } = await test.stack.up();
    expect(summary.resourceChanges).toMatchObject({ update: 1 });
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: "lab-dumps" }));
    expect(Rules?.[0]?.Transitions?.[0]?.Days).toBe(60);
  });

  it("leaves nothing behind, whatever the bucket held", async () => {
    await s3.send(new PutObjectCommand({ Bucket: "lab-dumps", Key: "dumps/a", Body: "one" }));
    await s3.send(new PutObjectCommand({ Bucket: "lab-dumps", Key: "dumps/a", Body: "two" }));
    await s3.send(new CreateMultipartUploadCommand({ Bucket: "lab-dumps", Key: "b" }));
    await test.stack.destroy();
    expect((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
    expect((await iam.send(new ListUsersCommand({}))).Users ?? []).toEqual([]);
  });
});
