import { randomBytes } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketInventoryConfigurationCommand,
  DeleteBucketReplicationCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketInventoryConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketReplicationCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketLoggingCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { ListTopicsCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import { findPulumi } from "../../rehearsal/providers/testing.ts";
import type { Credentials, TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import { archive, Bucket, type MadeArchive, makeArchive, others, own } from "./made-archive.ts";
import { receiveNotices } from "./notices.ts";
import { type Given, refusedToReader, refusedToWriter } from "./refusals.ts";

const motoServer = await findMotoServer();
const engine = await findPulumi();
if (!motoServer || !engine)
  console.warn("skipped: pulumi or moto_server is missing; ./lab doctor names the way");

/** One test for each way: a new client's command is refused, and AccessDenied is the reason. */
const denied = { name: "AccessDenied" };

describe.skipIf(!motoServer || !engine)("the archive that infra makes", { timeout: 180_000 }, () => {
  let made: MadeArchive | undefined;
  let server: TestAws;
  let stack: Stack;
  let admin: S3Client;
  let writer: S3Client;
  let reader: S3Client;
  let ownVersion: string | undefined;
  const given: Given = {
    own,
    others,
    ownVersion: () => ownVersion,
    elsewhere: archive.buckets.images.name,
    log: archive.logs.name,
  };

  beforeAll(async () => {
    made = await makeArchive(engine ?? "", motoServer ?? "");
    ({ server, stack, admin, writer, reader, ownVersion } = made);
  });
  afterAll(() => made?.close());

  it("has nothing to do after it was made, also after a refresh", async () => {
    await stack.refresh({ expectNoChanges: true });
    await stack.preview({ expectNoChanges: true });
  });

  it("lets a writer put objects, whole and in parts, and give up what it began", async () => {
    await writer.send(new PutObjectCommand({ ...own, Key: "proj-pg01/a", Body: "x", IfNoneMatch: "*" }));
    const upload = { Bucket, Key: "proj-pg01/large" };
    const { UploadId } = await writer.send(
      new CreateMultipartUploadCommand({ ...upload, ChecksumAlgorithm: "SHA256" }),
    );
    const parts = [];
    for (const [index, Body] of [randomBytes(5 << 20), randomBytes(100)].entries()) {
      const PartNumber = index + 1;
      const { ETag, ChecksumSHA256 } = await writer.send(
        new UploadPartCommand({ ...upload, UploadId, PartNumber, Body, ChecksumAlgorithm: "SHA256" }),
      );
      parts.push({ PartNumber, ETag, ChecksumSHA256 });
    }
    await writer.send(
      new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts: parts } }),
    );
    const begun = await writer.send(new CreateMultipartUploadCommand(upload));
    await writer.send(new AbortMultipartUploadCommand({ ...upload, UploadId: begun.UploadId }));
    expect((await admin.send(new HeadObjectCommand(upload))).ObjectLockMode).toBe("GOVERNANCE");
  });

  it.each(refusedToWriter(given))("lets no writer %s", async (_, command) => {
    await expect(writer.send(command())).rejects.toMatchObject(denied);
  });

  it("lets no writer see whether an object is there, nor delete by a list", async () => {
    for (const Key of [own.Key, "proj-pg01/nothing"])
      await expect(writer.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({
        $metadata: { httpStatusCode: 403 },
      });
    const Objects = [{ Key: own.Key }, { Key: own.Key, VersionId: ownVersion }];
    const { Deleted, Errors } = await writer.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted).toBeUndefined();
    expect(Errors?.map(({ Code }) => Code)).toEqual(["AccessDenied", "AccessDenied"]);
  });

  it("keeps what a writer puts something else over", async () => {
    const { VersionId } = await writer.send(new PutObjectCommand({ ...own, Body: "second" }));
    expect(VersionId).not.toBe(ownVersion);
    const { Body } = await admin.send(new GetObjectCommand({ ...own, VersionId: ownVersion }));
    expect(await Body?.transformToString()).toBe("first");
  });

  it("takes an upload only with a checksum", async () => {
    const bare = server.s3(await credentialsOf(writer), { requestChecksumCalculation: "WHEN_REQUIRED" });
    await expect(bare.send(new PutObjectCommand({ ...own, Body: "x" }))).rejects.toMatchObject({
      name: "InvalidRequest",
    });
  });

  it("deletes no locked version, not even for the account itself unless it bypasses governance", async () => {
    const version = { ...others, VersionId: made?.othersVersion };
    await expect(admin.send(new DeleteObjectCommand(version))).rejects.toMatchObject(denied);
    const { Body } = await admin.send(new GetObjectCommand(version));
    expect(await Body?.transformToString()).toBe("theirs");
  });

  it("refuses everybody who does not encrypt what is on its way", async () => {
    const plain = { endpoint: server.plainUrl, requestHandler: {} };
    for (const client of [server.s3(server.root, plain), server.s3(await credentialsOf(writer), plain)]) {
      await expect(client.send(new PutObjectCommand({ ...own, Body: "x" }))).rejects.toThrow(
        "with an explicit deny in a resource-based policy",
      );
      await expect(
        client.send(new ListObjectsV2Command({ Bucket: archive.logs.name })),
      ).rejects.toMatchObject(denied);
    }
  });

  describe("lets the reader", () => {
    it("list, read and restore", async () => {
      expect((await reader.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBeGreaterThan(1);
      expect((await reader.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.length).toBeGreaterThan(
        2,
      );
      const { Body } = await reader.send(new GetObjectCommand({ ...own, VersionId: ownVersion }));
      expect(await Body?.transformToString()).toBe("first");
    });

    it.each(refusedToReader(given))("and not %s", async (_, command) => {
      await expect(reader.send(command())).rejects.toMatchObject(denied);
    });
  });

  it("brings a dump back from Glacier and says when it is there", async () => {
    const { port, notices, close } = await receiveNotices();
    const [topic] = (await server.sns().send(new ListTopicsCommand({}))).Topics ?? [];
    await server.sns().send(
      new SubscribeCommand({
        TopicArn: topic?.TopicArn,
        Protocol: "http",
        Endpoint: `http://127.0.0.1:${port}/`,
      }),
    );
    const dump = { Bucket, Key: "proj-pg01/cold" };
    await writer.send(new PutObjectCommand({ ...dump, Body: randomBytes(200_000) }));
    await server.advance((archive.buckets.dumps.transitionAfterDays + 1) * 86_400);
    await expect(reader.send(new GetObjectCommand(dump))).rejects.toMatchObject({
      name: "InvalidObjectState",
    });
    await reader.send(new RestoreObjectCommand({ ...dump, RestoreRequest: { Days: 1 } }));
    await server.advance(5 * 3600);
    await waitFor(
      async () =>
        notices.some(
          (notice) =>
            notice.includes("ObjectRestore:Completed") &&
            notice.includes("proj-pg01/cold".replace("/", "%2F")),
        ),
      {
        what: `the notice of the completed restore (${server.log().slice(-2000)})`,
        timeoutSeconds: 10,
      },
    );
    expect((await (await reader.send(new GetObjectCommand(dump))).Body?.transformToByteArray())?.length).toBe(
      200_000,
    );
    close();
  });

  it("has a copy of the dumps in the other region, configured as the original", async () => {
    const copy = archive.buckets.dumps.replicateTo?.name ?? "";
    const abroad = server.s3(server.root, { region: "eu-west-1" });
    expect((await abroad.send(new GetBucketLocationCommand({ Bucket: copy }))).LocationConstraint).toBe(
      "eu-west-1",
    );
    const lock = await abroad.send(new GetObjectLockConfigurationCommand({ Bucket: copy }));
    expect(lock.ObjectLockConfiguration?.Rule?.DefaultRetention?.Days).toBe(archive.buckets.dumps.lockDays);
    const { ReplicationConfiguration } = await admin.send(new GetBucketReplicationCommand({ Bucket }));
    expect(ReplicationConfiguration?.Rules).toMatchObject([
      {
        Status: "Enabled",
        DeleteMarkerReplication: { Status: "Disabled" },
        Destination: { Bucket: `arn:aws:s3:::${copy}` },
      },
    ]);
  });

  it("finds and mends what was changed behind its back", async () => {
    await admin.send(new DeleteBucketReplicationCommand({ Bucket }));
    await admin.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} }));
    await admin.send(new DeleteBucketInventoryConfigurationCommand({ Bucket, Id: "weekly" }));
    const { summary } = await stack.refresh();
    expect(summary.resourceChanges).toMatchObject({ delete: 3 });
    await stack.up();
    const { InventoryConfiguration } = await admin.send(
      new GetBucketInventoryConfigurationCommand({ Bucket, Id: "weekly" }),
    );
    expect(InventoryConfiguration?.Destination?.S3BucketDestination?.Bucket).toBe(
      `arn:aws:s3:::${archive.logs.name}`,
    );
    await stack.refresh({ expectNoChanges: true });
  });

  it("leaves nothing behind where it may go", async () => {
    await stack.destroy();
    expect((await admin.send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
  });
});

async function credentialsOf(client: S3Client): Promise<Credentials> {
  return client.config.credentials();
}
