import { randomBytes } from "node:crypto";
import { request } from "node:https";
import { Readable } from "node:stream";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
} from "@aws-sdk/client-kms";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  RestoreObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeSha256 } from "./proxy/signature.ts";
import { type Credentials, startAws, type TestAws } from "./proxy-testing.ts";
import { findMotoServer } from "./testing.ts";

const motoServer = await findMotoServer();
if (!motoServer)
  console.warn("skipped: moto_server (Python package moto) is missing; ./lab doctor says how to get it");

describe.skipIf(!motoServer)("the S3 server behind the proxy", { timeout: 60_000 }, () => {
  let aws: TestAws;
  let s3: S3Client;

  beforeAll(async () => {
    aws = await startAws(motoServer ?? "");
    s3 = aws.s3();
  });
  afterAll(() => aws?.close());

  const bucket = async (Bucket: string, locked = false) => {
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: locked }));
    return Bucket;
  };
  const userWith = async (UserName: string, ...Statement: object[]): Promise<Credentials> => {
    await aws.iam().send(new CreateUserCommand({ UserName }));
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await aws.iam().send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
    const { AccessKey } = await aws.iam().send(new CreateAccessKeyCommand({ UserName }));
    return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  };

  describe("knows who asks", () => {
    it.each([
      ["an unknown key", { accessKeyId: "AKIANOBODY", secretAccessKey: "x" }, "InvalidAccessKeyId"],
      [
        "a wrong secret",
        { accessKeyId: "AKIAROOTROOTROOTROOT", secretAccessKey: "x" },
        "SignatureDoesNotMatch",
      ],
    ])("and refuses %s", async (_, credentials, name) => {
      await expect(aws.s3(credentials).send(new ListObjectsV2Command({ Bucket: "b" }))).rejects.toMatchObject(
        { name },
      );
    });

    it("and refuses a clock that is wrong by more than a quarter of an hour", async () => {
      const late = aws.s3(aws.root, { systemClockOffset: -16 * 60_000, maxAttempts: 1 });
      await expect(late.send(new ListObjectsV2Command({ Bucket: "b" }))).rejects.toMatchObject({
        name: "RequestTimeTooSkewed",
      });
    });

    it("also from the address of the request, until it expires or is changed", async () => {
      const Bucket = await bucket("presigned");
      await s3.send(new PutObjectCommand({ Bucket, Key: "a b", Body: "voids" }));
      const signed = await presign(`/${Bucket}/a%20b`, 60, new Date());
      expect(await get(signed)).toMatchObject({ status: 200, body: "voids" });
      expect((await get(signed.replace("a%20b", "c"))).body).toContain("SignatureDoesNotMatch");
      const expired = await presign(`/${Bucket}/a%20b`, 60, new Date(Date.now() - 61_000));
      expect((await get(expired)).body).toContain("Request has expired");
      expect(await get(`/${Bucket}/a%20b`)).toMatchObject({ status: 403 });
    });

    it("and tells everybody who they are, and nobody without a key", async () => {
      const user = await userWith("nobody-special", {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::another",
      });
      const identity = await aws.sts(user).send(new GetCallerIdentityCommand({}));
      expect(identity.Arn).toMatch(/user\/nobody-special$/);
      const stranger = aws.sts({ accessKeyId: "AKIANOBODY", secretAccessKey: "x" });
      await expect(stranger.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
        name: "InvalidClientTokenId",
      });
      await expect(
        aws.s3(user).send(new ListObjectsV2Command({ Bucket: "presigned" })),
      ).rejects.toMatchObject({ name: "AccessDenied" });
    });

    it("and names the region that a bucket is in to who signs for another", async () => {
      const Bucket = await bucket("here");
      const elsewhere = aws.s3(aws.root, { region: "eu-west-1" });
      await expect(elsewhere.send(new ListObjectsV2Command({ Bucket }))).rejects.toThrow(
        "the region 'eu-west-1' is wrong; expecting 'eu-central-1'",
      );
    });
  });

  describe("takes a body only for what it is", () => {
    it("in every way in which the SDK sends it", async () => {
      const Bucket = await bucket("bodies");
      const content = randomBytes(3 << 20);
      const chunks = () => Readable.from([content.subarray(0, 1 << 20), content.subarray(1 << 20)]);
      const ContentLength = content.length;
      for (const [name, ChecksumAlgorithm] of [
        ["a", "CRC32"],
        ["b", "CRC32C"],
        ["c", "SHA1"],
        ["d", "SHA256"],
      ] as const) {
        await s3.send(
          new PutObjectCommand({ Bucket, Key: name, Body: chunks(), ContentLength, ChecksumAlgorithm }),
        );
        await s3.send(new PutObjectCommand({ Bucket, Key: `${name}2`, Body: content, ChecksumAlgorithm }));
      }
      for (const Key of ["a", "b", "c", "d", "a2", "b2", "c2", "d2"]) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        expect(content.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
      }
    });

    it.each([
      ["Content-MD5", { ContentMD5: "AAAAAAAAAAAAAAAAAAAAAA==" }, "BadDigest"],
      ["SHA-256", { ChecksumSHA256: Buffer.alloc(32).toString("base64") }, "BadDigest"],
      ["CRC-64", { ChecksumCRC64NVME: Buffer.alloc(8).toString("base64") }, "BadDigest"],
      ["malformed MD5", { ContentMD5: "AAAA" }, "InvalidDigest"],
    ])("and refuses one with a wrong %s, of which nothing stays", async (_, wrong, name) => {
      const Bucket = "bodies";
      await expect(
        s3.send(new PutObjectCommand({ Bucket, Key: "wrong", Body: "x", ...wrong })),
      ).rejects.toMatchObject({ name });
      await expect(s3.send(new HeadObjectCommand({ Bucket, Key: "wrong" }))).rejects.toMatchObject({
        name: "NotFound",
      });
    });

    it("and refuses a second object under a key that must be new", async () => {
      const put = new PutObjectCommand({ Bucket: "bodies", Key: "once", Body: "x", IfNoneMatch: "*" });
      await s3.send(put);
      await expect(s3.send(put)).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    });
  });

  describe("with object lock", () => {
    it("wants a checksum on every upload and every part", async () => {
      const Bucket = await bucket("locked", true);
      const bare = aws.s3(aws.root, { requestChecksumCalculation: "WHEN_REQUIRED" });
      await expect(bare.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }))).rejects.toThrow(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
      );
      const { UploadId } = await bare.send(new CreateMultipartUploadCommand({ Bucket, Key: "k" }));
      const part = { Bucket, Key: "k", UploadId, PartNumber: 1, Body: "x" };
      await expect(bare.send(new UploadPartCommand(part))).rejects.toThrow(
        "is required for Put Part requests with Object Lock parameters",
      );
      await bare
        .send(new UploadPartCommand({ ...part, ContentMD5: "nd1ayOZCKI+48nJbW+MK6w==" }))
        .catch(() => undefined);
      await bare.send(new AbortMultipartUploadCommand({ Bucket, Key: "k", UploadId }));
    });

    it("wants the checksum of each part at the end, and parts of 5 MiB", async () => {
      const upload = { Bucket: "locked", Key: "parts" };
      const { UploadId } = await s3.send(
        new CreateMultipartUploadCommand({ ...upload, ChecksumAlgorithm: "SHA256" }),
      );
      const parts = [];
      for (const PartNumber of [1, 2]) {
        const { ETag, ChecksumSHA256 } = await s3.send(
          new UploadPartCommand({
            ...upload,
            UploadId,
            PartNumber,
            Body: "small",
            ChecksumAlgorithm: "SHA256",
          }),
        );
        parts.push({ PartNumber, ETag, ChecksumSHA256 });
      }
      const complete = (Parts: object[]) =>
        s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }));
      await expect(complete(parts.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })))).rejects.toThrow(
        "It was missing for part 1 in the request",
      );
      await expect(complete(parts)).rejects.toMatchObject({ name: "EntityTooSmall" });
    });

    it("lets nobody delete a version or shorten its lock without bypassing governance", async () => {
      const Bucket = "locked";
      await s3.send(
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: {
            ObjectLockEnabled: "Enabled",
            Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 2 } },
          },
        }),
      );
      const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key: "kept", Body: "x" }));
      const version = { Bucket, Key: "kept", VersionId };
      await expect(s3.send(new DeleteObjectCommand(version))).rejects.toMatchObject({ name: "AccessDenied" });
      const Retention = { Mode: "GOVERNANCE", RetainUntilDate: new Date(Date.now() + 60_000) } as const;
      await expect(s3.send(new PutObjectRetentionCommand({ ...version, Retention }))).rejects.toThrow(
        "protected by object lock",
      );
      const longer = { ...Retention, RetainUntilDate: new Date(Date.now() + 5 * 86_400_000) };
      await s3.send(new PutObjectRetentionCommand({ ...version, Retention: longer }));
      const limited = await userWith("no-bypass", {
        Effect: "Allow",
        Action: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        Resource: "*",
      });
      await expect(
        aws.s3(limited).send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true })),
      ).rejects.toThrow("s3:BypassGovernanceRetention");
      await s3.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true }));
      expect(
        (await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: "kept" }))).Versions,
      ).toBeUndefined();
    });
  });

  it("judges each item of a list of deletions", async () => {
    const Bucket = await bucket("lists");
    for (const Key of ["a/1", "b/1 <&>"]) await s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
    const user = await userWith("deletes-a", {
      Effect: "Allow",
      Action: "s3:DeleteObject",
      Resource: "arn:aws:s3:::lists/a/*",
    });
    const Delete = { Objects: [{ Key: "a/1" }, { Key: "b/1 <&>" }] };
    const { Deleted, Errors } = await aws.s3(user).send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Deleted?.map(({ Key }) => Key)).toEqual(["a/1"]);
    expect(Errors).toMatchObject([{ Key: "b/1 <&>", Code: "AccessDenied" }]);
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.map(({ Key }) => Key)).toEqual([
      "b/1 <&>",
    ]);
  });

  it("needs the key of a bucket to write and to read, and the key to be usable", async () => {
    const Bucket = await bucket("sealed");
    const { KeyMetadata } = await aws.kms().send(new CreateKeyCommand({}));
    const KMSMasterKeyID = KeyMetadata?.Arn;
    const byDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID } as const;
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true }],
        },
      }),
    );
    const all = { Effect: "Allow", Action: "s3:*", Resource: "*" };
    const keyless = aws.s3(await userWith("keyless", all));
    const writer = aws.s3(
      await userWith("key-writer", all, {
        Effect: "Allow",
        Action: "kms:GenerateDataKey",
        Resource: KMSMasterKeyID,
      }),
    );
    const object = { Bucket, Key: "k" };
    await expect(keyless.send(new PutObjectCommand({ ...object, Body: "x" }))).rejects.toThrow(
      "kms:GenerateDataKey",
    );
    await writer.send(new PutObjectCommand({ ...object, Body: "x" }));
    await expect(writer.send(new GetObjectCommand(object))).rejects.toThrow("kms:Decrypt");
    await aws.kms().send(new DisableKeyCommand({ KeyId: KeyMetadata?.KeyId }));
    await expect(s3.send(new GetObjectCommand(object))).rejects.toMatchObject({
      name: "KMS.DisabledException",
    });
    await aws.kms().send(new EnableKeyCommand({ KeyId: KeyMetadata?.KeyId }));
    await s3.send(new GetObjectCommand(object));
    const credentials = await userWith("nothing-of-kms", all);
    await expect(
      aws.kms(credentials).send(new DescribeKeyCommand({ KeyId: KMSMasterKeyID })),
    ).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
  });

  it("refuses a policy that it could not evaluate", async () => {
    const Policy = JSON.stringify({
      Statement: {
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: "*",
        Condition: { DateGreaterThan: { x: "y" } },
      },
    });
    await expect(s3.send(new PutBucketPolicyCommand({ Bucket: "here", Policy }))).rejects.toMatchObject({
      name: "MalformedPolicy",
    });
    const PolicyDocument = '{"Statement":{"Effect":"Allow","Actions":"s3:*","Resource":"*"}}';
    const put = new PutUserPolicyCommand({ UserName: "nobody-special", PolicyName: "x", PolicyDocument });
    await expect(aws.iam().send(put)).rejects.toMatchObject({ name: "MalformedPolicyDocumentException" });
  });

  it("moves objects to Glacier when their day has come, and back only by a restore that takes its time", async () => {
    const Bucket = await bucket("cold");
    const Transitions = [{ Days: 1, StorageClass: "GLACIER" as const }];
    const Rules = [{ ID: "r", Status: "Enabled" as const, Filter: { Prefix: "" }, Transitions }];
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    const content = randomBytes(200_000);
    await s3.send(new PutObjectCommand({ Bucket, Key: "dump", Body: content }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "manifest", Body: "small" }));
    const dump = { Bucket, Key: "dump" };
    await aws.advance(2 * 86_400);
    expect((await s3.send(new HeadObjectCommand(dump))).StorageClass).toBe("GLACIER");
    await s3.send(new GetObjectCommand({ Bucket, Key: "manifest" }));
    await expect(s3.send(new GetObjectCommand(dump))).rejects.toMatchObject({
      name: "InvalidObjectState",
      StorageClass: "GLACIER",
    });
    await expect(
      s3.send(new RestoreObjectCommand({ Bucket, Key: "manifest", RestoreRequest: { Days: 1 } })),
    ).rejects.toMatchObject({ name: "InvalidObjectState" });

    const restore = new RestoreObjectCommand({
      ...dump,
      RestoreRequest: { Days: 2, GlacierJobParameters: { Tier: "Standard" } },
    });
    expect((await s3.send(restore)).$metadata.httpStatusCode).toBe(202);
    await expect(s3.send(restore)).rejects.toMatchObject({ name: "RestoreAlreadyInProgress" });
    await aws.advance(4 * 3600);
    expect((await s3.send(new HeadObjectCommand(dump))).Restore).toBe('ongoing-request="true"');
    await expect(s3.send(new GetObjectCommand(dump))).rejects.toMatchObject({ name: "InvalidObjectState" });
    await aws.restart("SIGKILL");
    s3 = aws.s3();
    await aws.advance(3600);
    expect((await s3.send(new HeadObjectCommand(dump))).Restore).toMatch(
      /^ongoing-request="false", expiry-date=".* 00:00:00 GMT"$/,
    );
    const { Body } = await s3.send(new GetObjectCommand(dump));
    expect(content.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect((await s3.send(restore)).$metadata.httpStatusCode).toBe(200);
    await aws.advance(4 * 86_400);
    await expect(s3.send(new GetObjectCommand(dump))).rejects.toMatchObject({ name: "InvalidObjectState" });
    expect(
      (await s3.send(new GetObjectLockConfigurationCommand({ Bucket: "locked" }))).ObjectLockConfiguration,
    ).toBeDefined();
  });

  async function presign(path: string, expiresIn: number, signingDate: Date): Promise<string> {
    const { host, hostname } = new URL(aws.url);
    const signer = new SignatureV4({
      credentials: aws.root,
      region: aws.region,
      service: "s3",
      sha256: NodeSha256,
      uriEscapePath: false,
    });
    const { query } = await signer.presign(
      {
        method: "GET",
        protocol: "https:",
        hostname,
        path,
        headers: { host, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" },
        query: {},
      },
      { expiresIn, signingDate },
    );
    return `${path}?${new URLSearchParams(query as Record<string, string>)}`;
  }

  function get(path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      request(`${aws.url}${path}`, { ca: aws.authority.certPem }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
      })
        .once("error", reject)
        .end();
    });
  }
});
