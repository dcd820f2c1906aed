import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketTaggingCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import { type Aws, regionSchema, unlessMissing } from "./config.ts";
import { allTags, ownTags, tagList, tagsSchema } from "./tags.ts";

const inputs = z.object({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "3 to 63 lower-case letters, digits, - and ."),
  objectLockEnabled: z.boolean().default(false),
  forceDestroy: z.boolean().default(false),
  tags: tagsSchema,
  region: regionSchema,
});

/** `aws.s3.Bucket`: the bucket itself; its settings are resources of their own. */
export const bucket = defineResource({
  token: "aws:s3/bucket:Bucket",
  inputs,
  replaceOn: ["bucket", "objectLockEnabled", "region"],
  deleteBeforeReplace: true,
  create: async ({ client }: { client: Aws }, wanted) => {
    const aws = client.inRegion(wanted.region);
    const Bucket = wanted.bucket;
    await aws.s3.send(
      new CreateBucketCommand({
        Bucket,
        ObjectLockEnabledForBucket: wanted.objectLockEnabled,
        // us-east-1 is the one region that must not be named.
        ...(aws.region === "us-east-1"
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: aws.region as "eu-central-1" } }),
      }),
    );
    await putTags(aws.s3, Bucket, allTags(aws, wanted.tags));
    return { id: Bucket, outputs: outputsOf(aws, Bucket, allTags(aws, wanted.tags)) };
  },
  read: async ({ client }, id, recorded) => {
    const aws = client.inRegion(recorded.inputs.region);
    const there = await unlessMissing(
      ["NotFound", "NoSuchBucket"],
      aws.s3.send(new HeadBucketCommand({ Bucket: id })),
    );
    if (there === undefined) return undefined;
    const tags = await readTags(aws.s3, id);
    const lock = await unlessMissing(
      ["ObjectLockConfigurationNotFoundError"],
      aws.s3.send(new GetObjectLockConfigurationCommand({ Bucket: id })),
    );
    return {
      inputs: {
        bucket: id,
        objectLockEnabled: lock?.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled",
        forceDestroy: recorded.inputs.forceDestroy,
        tags: ownTags(aws, tags, recorded.inputs.tags),
        ...(recorded.inputs.region === undefined ? {} : { region: recorded.inputs.region }),
      },
      outputs: outputsOf(aws, id, tags),
    };
  },
  update: async ({ client }, id, _recorded, wanted) => {
    const aws = client.inRegion(wanted.region);
    await putTags(aws.s3, id, allTags(aws, wanted.tags));
    return outputsOf(aws, id, allTags(aws, wanted.tags));
  },
  delete: async ({ client }, id, recorded) => {
    const aws = client.inRegion(recorded.inputs.region);
    if (recorded.inputs.forceDestroy === true) await empty(aws.s3, id);
    await unlessMissing(["NoSuchBucket"], aws.s3.send(new DeleteBucketCommand({ Bucket: id })));
  },
});

function outputsOf(aws: Aws, name: string, tagsAll: Record<string, string>) {
  return {
    arn: `arn:aws:s3:::${name}`,
    bucketDomainName: `${name}.s3.amazonaws.com`,
    bucketRegionalDomainName: `${name}.s3.${aws.region}.amazonaws.com`,
    bucketRegion: aws.region,
    region: aws.region,
    tagsAll,
  };
}

async function readTags(s3: S3Client, Bucket: string): Promise<Record<string, string>> {
  const found = await unlessMissing(["NoSuchTagSet"], s3.send(new GetBucketTaggingCommand({ Bucket })));
  return Object.fromEntries((found?.TagSet ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

async function putTags(s3: S3Client, Bucket: string, tags: Record<string, string>): Promise<void> {
  if (Object.keys(tags).length === 0) await s3.send(new DeleteBucketTaggingCommand({ Bucket }));
  else await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: tagList(tags) } }));
}

/** Deletes every version of every object, past governance retention, and every upload under way. */
async function empty(s3: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const page = await unlessMissing(["NoSuchBucket"], s3.send(new ListObjectVersionsCommand({ Bucket })));
    const found = [...(page?.Versions ?? []), ...(page?.DeleteMarkers ?? [])];
    if (found.length === 0) break;
    const Objects = found.map(({ Key, VersionId }) => ({ Key, VersionId }));
    const { Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true }, BypassGovernanceRetention: true }),
    );
    const [error] = Errors ?? [];
    if (error)
      throw new Error(`cannot empty bucket ${Bucket}: ${error.Key}: ${error.Code}: ${error.Message}`);
  }
  const uploads = await unlessMissing(["NoSuchBucket"], s3.send(new ListMultipartUploadsCommand({ Bucket })));
  for (const { Key, UploadId } of uploads?.Uploads ?? []) {
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }
}
