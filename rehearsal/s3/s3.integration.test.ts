import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
} from "@aws-sdk/client-iam";
import {
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  KMSClient,
} from "@aws-sdk/client-kms";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findMotoServer, startS3, type TestServer } from "./testing.ts";

const motoServer = await findMotoServer();
if (!motoServer)
  console.warn("skipped: moto_server (Python package moto) is missing; ./lab doctor says how to get it");

describe.skipIf(!motoServer)("the S3 server", { timeout: 60_000 }, () => {
  let folder: string;
  let server: TestServer;
  let s3: S3Client;
  let iam: IAMClient;
  let kms: KMSClient;

  const connect = () => {
    const common = {
      endpoint: server.url,
      region: "eu-central-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    s3 = new S3Client({ ...common, forcePathStyle: true });
    iam = new IAMClient(common);
    kms = new KMSClient(common);
  };
  const restart = async (signal: "SIGTERM" | "SIGKILL") => {
    await server.end(signal);
    server = await startS3(motoServer ?? "", folder);
    connect();
  };
  const bodyOf = async (Bucket: string, Key: string, VersionId?: string) => {
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket, Key, ...(VersionId ? { VersionId } : {}) }),
    );
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "s3-"));
    server = await startS3(motoServer ?? "", folder);
    connect();
  });
  afterAll(async () => {
    await server?.end("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  it("has every bucket, setting, key and user after kill -9", async () => {
    const Bucket = "dumps";
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    const Rules = [
      {
        ID: "archive",
        Status: "Enabled" as const,
        Filter: { Prefix: "" },
        Transitions: [{ Days: 1, StorageClass: "GLACIER" as const }],
      },
    ];
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: tlsOnly(Bucket) }));
    await iam.send(new CreateUserCommand({ UserName: "writer" }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "writer" }));
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: "dumps" }));
    const KeyId = KeyMetadata?.KeyId ?? "";
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from("voids") }));

    await restart("SIGKILL");

    const lifecycle = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    expect(lifecycle.Rules).toEqual(Rules);
    const lock = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    expect(lock.ObjectLockConfiguration?.ObjectLockEnabled).toBe("Enabled");
    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(tlsOnly(Bucket));
    const keys = await iam.send(new ListAccessKeysCommand({ UserName: "writer" }));
    expect(keys.AccessKeyMetadata?.map((key) => key.AccessKeyId)).toEqual([AccessKey?.AccessKeyId]);
    expect((await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.Arn).toBe(KeyMetadata?.Arn);
    const decrypted = await kms.send(new DecryptCommand({ CiphertextBlob, KeyId }));
    expect(Buffer.from(decrypted.Plaintext ?? []).toString()).toBe("voids");
  });

  it("keeps objects, their versions and an upload that is under way", async () => {
    const Bucket = "archive";
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    const first = await s3.send(new PutObjectCommand({ Bucket, Key: "a/ä b", Body: "one" }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "a/ä b", Body: "two" }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "large" }));
    const upload = { Bucket, Key: "large", UploadId };
    const parts = [randomBytes(5 << 20), randomBytes(5 << 20), randomBytes(1000)];
    const etags: (string | undefined)[] = [];
    for (const [index, Body] of parts.entries()) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: index + 1, Body }));
      etags.push(ETag);
      await restart("SIGKILL");
    }
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    await restart("SIGKILL");

    expect((await bodyOf(Bucket, "large")).equals(Buffer.concat(parts))).toBe(true);
    const range = await s3.send(new GetObjectCommand({ Bucket, Key: "large", Range: "bytes=10-19" }));
    expect(Buffer.from((await range.Body?.transformToByteArray()) ?? [])).toEqual(parts[0]?.subarray(10, 20));
    expect((await bodyOf(Bucket, "a/ä b")).toString()).toBe("two");
    expect((await bodyOf(Bucket, "a/ä b", first.VersionId)).toString()).toBe("one");
    // The joined object and nothing else: its parts take no room, small bodies are stored elsewhere.
    expect(await readdir(join(folder, "bodies"))).toHaveLength(1);
  });

  it("gives the room of deleted objects back", async () => {
    const Bucket = "scratch";
    const before = await readdir(join(folder, "bodies"));
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: randomBytes(1 << 20) }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: randomBytes(1 << 20) }));
    expect(await readdir(join(folder, "bodies"))).toHaveLength(before.length + 1);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
    expect(await readdir(join(folder, "bodies"))).toEqual(before);
    await restart("SIGTERM");
    expect((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions ?? []).toEqual([]);
  });

  it("evaluates the conditions of a bucket policy", async () => {
    const Bucket = "sealed";
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: tlsOnly(Bucket) }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
    const deny = tlsOnly(Bucket).replace('"false"', '"true"');
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: deny }));
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: "k" }))).rejects.toThrow();
  });

  it("refuses an upload without checksum to a bucket with object lock, as AWS does", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: "locked", ObjectLockEnabledForBucket: true }));
    const withoutChecksum = new S3Client({
      endpoint: server.url,
      region: "eu-central-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      requestChecksumCalculation: "WHEN_REQUIRED",
    });
    const put = new PutObjectCommand({ Bucket: "locked", Key: "k", Body: "x" });
    await expect(withoutChecksum.send(put)).rejects.toThrow("Content-MD5 OR x-amz-checksum-");
    await s3.send(put);
  });
});

function tlsOnly(bucket: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
