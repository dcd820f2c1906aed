import { isDeepStrictEqual } from "node:util";
import {
  DeleteBucketInventoryConfigurationCommand,
  GetBucketInventoryConfigurationCommand,
  type InventoryOptionalField,
  PutBucketInventoryConfigurationCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import { type Aws, unlessMissing } from "./config.ts";

/** `aws.s3.Inventory`: a list of the bucket's objects, made again and again. Its id is `BUCKET:NAME`. */
export const inventory = defineResource({
  token: "aws:s3/inventory:Inventory",
  inputs: z.object({
    bucket: z.string(),
    name: z.string().min(1).max(64),
    enabled: z.boolean().default(true),
    includedObjectVersions: z.enum(["All", "Current"]),
    schedule: z.strictObject({ frequency: z.enum(["Daily", "Weekly"]) }),
    optionalFields: z.array(z.string()).default([]),
    destination: z.strictObject({
      bucket: z.strictObject({
        accountId: z.string().optional(),
        bucketArn: z.string(),
        format: z.enum(["CSV", "ORC", "Parquet"]),
        prefix: z.string().optional(),
        encryption: z.strictObject({ sseS3: z.strictObject({}).optional() }).optional(),
      }),
    }),
  }),
  replaceOn: ["bucket", "name"],
  deleteBeforeReplace: true,
  sameValue: (property, recorded, wanted) =>
    property === "optionalFields" && Array.isArray(recorded) && Array.isArray(wanted)
      ? isDeepStrictEqual(recorded.toSorted(), wanted.toSorted())
      : isDeepStrictEqual(recorded, wanted),
  create: async ({ client: aws }: { client: Aws }, wanted) => {
    await put(aws, wanted);
    return { id: `${wanted.bucket}:${wanted.name}`, outputs: {} };
  },
  read: async ({ client: aws }, id) => {
    const { Bucket, Id } = splitId(id);
    const found = await unlessMissing(
      ["NoSuchConfiguration", "NoSuchBucket"],
      aws.s3.send(new GetBucketInventoryConfigurationCommand({ Bucket, Id })),
    );
    const configuration = found?.InventoryConfiguration;
    const target = configuration?.Destination?.S3BucketDestination;
    if (configuration === undefined || target === undefined) return undefined;
    return {
      inputs: {
        bucket: Bucket,
        name: Id,
        enabled: configuration.IsEnabled ?? false,
        includedObjectVersions: configuration.IncludedObjectVersions ?? "All",
        schedule: { frequency: configuration.Schedule?.Frequency ?? "Weekly" },
        optionalFields: configuration.OptionalFields ?? [],
        destination: {
          bucket: {
            ...(target.AccountId === undefined ? {} : { accountId: target.AccountId }),
            bucketArn: target.Bucket ?? "",
            format: target.Format ?? "CSV",
            ...(target.Prefix === undefined ? {} : { prefix: target.Prefix }),
            ...(target.Encryption?.SSES3 === undefined ? {} : { encryption: { sseS3: {} } }),
          },
        },
      },
      outputs: {},
    };
  },
  update: async ({ client: aws }, _id, _recorded, wanted) => {
    await put(aws, wanted);
    return {};
  },
  delete: async ({ client: aws }, id) => {
    await unlessMissing(
      ["NoSuchConfiguration", "NoSuchBucket"],
      aws.s3.send(new DeleteBucketInventoryConfigurationCommand(splitId(id))),
    );
  },
});

interface Wanted {
  readonly bucket: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly includedObjectVersions: "All" | "Current";
  readonly schedule: { readonly frequency: "Daily" | "Weekly" };
  readonly optionalFields: readonly string[];
  readonly destination: {
    readonly bucket: {
      readonly accountId?: string | undefined;
      readonly bucketArn: string;
      readonly format: "CSV" | "ORC" | "Parquet";
      readonly prefix?: string | undefined;
      readonly encryption?: { readonly sseS3?: object | undefined } | undefined;
    };
  };
}

function put({ s3 }: Aws, wanted: Wanted) {
  const { accountId, bucketArn, format, prefix, encryption } = wanted.destination.bucket;
  return s3.send(
    new PutBucketInventoryConfigurationCommand({
      Bucket: wanted.bucket,
      Id: wanted.name,
      InventoryConfiguration: {
        Id: wanted.name,
        IsEnabled: wanted.enabled,
        IncludedObjectVersions: wanted.includedObjectVersions,
        Schedule: { Frequency: wanted.schedule.frequency },
        OptionalFields: wanted.optionalFields as InventoryOptionalField[],
        Destination: {
          S3BucketDestination: {
            AccountId: accountId,
            Bucket: bucketArn,
            Format: format,
            Prefix: prefix,
            ...(encryption?.sseS3 === undefined ? {} : { Encryption: { SSES3: {} } }),
          },
        },
      },
    }),
  );
}

function splitId(id: string): { readonly Bucket: string; readonly Id: string } {
  const [Bucket = "", ...name] = id.split(":");
  return { Bucket, Id: name.join(":") };
}
