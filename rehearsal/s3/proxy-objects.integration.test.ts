import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeBucket, makeUser, startAws, type TestAws } from "./proxy-testing.ts";
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

  const bucket = (name: string, locked = false) => makeBucket(s3, name, locked);
  const userWith = (name: string, ...statements: object[]) => makeUser(aws, name, ...statements);

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
});
