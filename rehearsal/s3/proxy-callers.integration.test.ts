import { request } from "node:https";
import { PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
} from "@aws-sdk/client-kms";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeSha256 } from "./proxy/signature.ts";
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

  it("tells until when an object is locked only to who may see that", async () => {
    const Bucket = await bucket("seen", true);
    const until = new Date(Date.now() + 86_400_000);
    const lock = { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: until } as const;
    const put = { Bucket, Key: "x", Body: "x", ChecksumAlgorithm: "SHA256", ...lock } as const;
    await s3.send(new PutObjectCommand(put));
    const reads = { Effect: "Allow", Action: ["s3:GetObject"], Resource: `arn:aws:s3:::${Bucket}/*` };
    const sees = { ...reads, Action: ["s3:GetObject", "s3:GetObjectRetention"] };
    const head = () => new HeadObjectCommand({ Bucket, Key: "x" });
    const blind = await aws.s3(await userWith("blind", reads)).send(head());
    expect([blind.ObjectLockMode, blind.ObjectLockRetainUntilDate]).toEqual([undefined, undefined]);
    const seeing = await aws.s3(await userWith("seeing", sees)).send(head());
    expect(seeing.ObjectLockMode).toBe("GOVERNANCE");
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
