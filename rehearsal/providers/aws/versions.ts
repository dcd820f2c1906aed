import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { bucketSetting } from "./bucket-setting.ts";
import { unlessMissing } from "./config.ts";

/** Versions of objects, and how long none of them may be deleted. */
export const bucketVersioning = bucketSetting({
  token: "aws:s3/bucketVersioning:BucketVersioning",
  inputs: z.object({
    bucket: z.string(),
    versioningConfiguration: z.strictObject({ status: z.enum(["Enabled", "Suspended", "Disabled"]) }),
  }),
  put: async ({ s3 }, { bucket, versioningConfiguration: { status } }) => {
    // "Disabled" is how the provider calls a bucket that never had versions: there is nothing to send.
    if (status === "Disabled") return;
    await s3.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: status } }),
    );
  },
  get: async ({ s3 }, Bucket) => {
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    return { versioningConfiguration: { status: Status ?? ("Disabled" as const) } };
  },
  remove: async ({ s3 }, Bucket) => {
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    const lock = await unlessMissing(
      ["ObjectLockConfigurationNotFoundError"],
      s3.send(new GetObjectLockConfigurationCommand({ Bucket })),
    );
    // With object lock AWS refuses to suspend versioning; the provider leaves it on.
    if (Status !== "Enabled" || lock?.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled") return;
    await s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
    );
  },
});

export const bucketObjectLock = bucketSetting({
  token: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  inputs: z.object({
    bucket: z.string(),
    objectLockEnabled: z.literal("Enabled").default("Enabled"),
    rule: z
      .strictObject({
        defaultRetention: z
          .strictObject({
            mode: z.enum(["GOVERNANCE", "COMPLIANCE"]),
            days: z.int().positive().optional(),
            years: z.int().positive().optional(),
          })
          .refine(
            ({ days, years }) => (days === undefined) !== (years === undefined),
            "state either days or years",
          ),
      })
      .optional(),
  }),
  put: ({ s3 }, { bucket, rule }) =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket: bucket,
        ObjectLockConfiguration: {
          ObjectLockEnabled: "Enabled",
          ...(rule === undefined
            ? {}
            : {
                Rule: {
                  DefaultRetention: {
                    Mode: rule.defaultRetention.mode,
                    Days: rule.defaultRetention.days,
                    Years: rule.defaultRetention.years,
                  },
                },
              }),
        },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["ObjectLockConfigurationNotFoundError"],
      s3.send(new GetObjectLockConfigurationCommand({ Bucket })),
    );
    if (found?.ObjectLockConfiguration?.ObjectLockEnabled !== "Enabled") return undefined;
    const objectLockEnabled = "Enabled" as const;
    const retention = found.ObjectLockConfiguration.Rule?.DefaultRetention;
    if (!retention?.Mode) return { objectLockEnabled };
    const { Mode: mode, Days: days, Years: years } = retention;
    const period = { ...(days ? { days } : {}), ...(years ? { years } : {}) };
    return { objectLockEnabled, rule: { defaultRetention: { mode, ...period } } };
  },
  // The lock of a bucket cannot be taken off; its default retention can.
  remove: ({ s3 }, Bucket) =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
      }),
    ),
});
