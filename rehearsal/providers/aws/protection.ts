import {
  DeleteBucketEncryptionCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { jsonText, samePolicy } from "../json.ts";
import { bucketSetting } from "./bucket-setting.ts";
import { unlessMissing } from "./config.ts";

/** Who may reach a bucket, and how its objects are encrypted. */
export const publicAccessBlock = bucketSetting({
  token: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  inputs: z.object({
    bucket: z.string(),
    blockPublicAcls: z.boolean().default(false),
    blockPublicPolicy: z.boolean().default(false),
    ignorePublicAcls: z.boolean().default(false),
    restrictPublicBuckets: z.boolean().default(false),
  }),
  put: ({ s3 }, wanted) =>
    s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: wanted.bucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: wanted.blockPublicAcls,
          BlockPublicPolicy: wanted.blockPublicPolicy,
          IgnorePublicAcls: wanted.ignorePublicAcls,
          RestrictPublicBuckets: wanted.restrictPublicBuckets,
        },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["NoSuchPublicAccessBlockConfiguration"],
      s3.send(new GetPublicAccessBlockCommand({ Bucket })),
    );
    const block = found?.PublicAccessBlockConfiguration;
    if (block === undefined) return undefined;
    return {
      blockPublicAcls: block.BlockPublicAcls,
      blockPublicPolicy: block.BlockPublicPolicy,
      ignorePublicAcls: block.IgnorePublicAcls,
      restrictPublicBuckets: block.RestrictPublicBuckets,
    };
  },
  remove: ({ s3 }, Bucket) => s3.send(new DeletePublicAccessBlockCommand({ Bucket })),
});

export const bucketPolicy = bucketSetting({
  token: "aws:s3/bucketPolicy:BucketPolicy",
  inputs: z.object({ bucket: z.string(), policy: jsonText }),
  sameValue: (property, recorded, wanted) =>
    property === "policy" ? samePolicy(recorded, wanted) : recorded === wanted,
  put: ({ s3 }, { bucket, policy }) =>
    s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy })),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["NoSuchBucketPolicy"],
      s3.send(new GetBucketPolicyCommand({ Bucket })),
    );
    return found?.Policy === undefined ? undefined : { policy: found.Policy };
  },
  remove: ({ s3 }, Bucket) => s3.send(new DeleteBucketPolicyCommand({ Bucket })),
});

export const bucketOwnershipControls = bucketSetting({
  token: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  inputs: z.object({
    bucket: z.string(),
    rule: z.strictObject({
      objectOwnership: z.enum(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]),
    }),
  }),
  put: ({ s3 }, { bucket, rule }) =>
    s3.send(
      new PutBucketOwnershipControlsCommand({
        Bucket: bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: rule.objectOwnership }] },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["OwnershipControlsNotFoundError"],
      s3.send(new GetBucketOwnershipControlsCommand({ Bucket })),
    );
    const objectOwnership = found?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
    return objectOwnership === undefined ? undefined : { rule: { objectOwnership } };
  },
  remove: ({ s3 }, Bucket) => s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket })),
});

export const bucketEncryption = bucketSetting({
  token: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  inputs: z.object({
    bucket: z.string(),
    rules: z
      .array(
        z.strictObject({
          applyServerSideEncryptionByDefault: z
            .strictObject({
              sseAlgorithm: z.enum(["AES256", "aws:kms", "aws:kms:dsse"]),
              kmsMasterKeyId: z.string().optional(),
            })
            .optional(),
          bucketKeyEnabled: z.boolean().default(false),
        }),
      )
      .length(1, "S3 takes exactly one rule"),
  }),
  put: ({ s3 }, { bucket, rules }) =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket: bucket,
        ServerSideEncryptionConfiguration: {
          Rules: rules.map((rule) => ({
            BucketKeyEnabled: rule.bucketKeyEnabled,
            ...(rule.applyServerSideEncryptionByDefault === undefined
              ? {}
              : {
                  ApplyServerSideEncryptionByDefault: {
                    SSEAlgorithm: rule.applyServerSideEncryptionByDefault.sseAlgorithm,
                    KMSMasterKeyID: rule.applyServerSideEncryptionByDefault.kmsMasterKeyId,
                  },
                }),
          })),
        },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["ServerSideEncryptionConfigurationNotFoundError"],
      s3.send(new GetBucketEncryptionCommand({ Bucket })),
    );
    const rules = found?.ServerSideEncryptionConfiguration?.Rules;
    if (rules === undefined) return undefined;
    return {
      rules: rules.map(({ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled = false }) => ({
        ...(byDefault?.SSEAlgorithm === undefined
          ? {}
          : {
              applyServerSideEncryptionByDefault: {
                sseAlgorithm: byDefault.SSEAlgorithm as "aws:kms",
                ...(byDefault.KMSMasterKeyID === undefined
                  ? {}
                  : { kmsMasterKeyId: byDefault.KMSMasterKeyID }),
              },
            }),
        bucketKeyEnabled: BucketKeyEnabled,
      })),
    };
  },
  remove: ({ s3 }, Bucket) => s3.send(new DeleteBucketEncryptionCommand({ Bucket })),
});
