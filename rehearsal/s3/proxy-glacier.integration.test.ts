import { randomBytes } from "node:crypto";
import {
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeBucket, startAws, type TestAws } from "./proxy-testing.ts";
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

  it("moves objects to Glacier when their day has come, and back only by a restore that takes its time", async () => {
    const Bucket = await bucket("cold");
    await bucket("locked", true);
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
});
