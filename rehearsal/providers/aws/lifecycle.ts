import { isDeepStrictEqual } from "node:util";
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  type LifecycleRuleFilter,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { bucketSetting } from "./bucket-setting.ts";
import { unlessMissing } from "./config.ts";

const days = z.int().nonnegative();
const storageClass = z.enum([
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
]);
const ruleSchema = z.strictObject({
  id: z.string().min(1).max(255),
  status: z.enum(["Enabled", "Disabled"]),
  filter: z
    .strictObject({
      prefix: z.string().optional(),
      objectSizeGreaterThan: z.int().optional(),
      objectSizeLessThan: z.int().optional(),
      tag: z.strictObject({ key: z.string(), value: z.string() }).optional(),
      and: z
        .strictObject({
          prefix: z.string().optional(),
          objectSizeGreaterThan: z.int().optional(),
          objectSizeLessThan: z.int().optional(),
          tags: z.record(z.string(), z.string()).optional(),
        })
        .optional(),
    })
    .refine((filter) => Object.keys(filter).length <= 1, "a filter has one condition; put several into `and`")
    .optional(),
  transitions: z.array(z.strictObject({ days, storageClass })).optional(),
  expiration: z
    .strictObject({ days: z.int().positive().optional(), expiredObjectDeleteMarker: z.boolean().optional() })
    .optional(),
  noncurrentVersionExpiration: z
    .strictObject({ noncurrentDays: z.int().positive(), newerNoncurrentVersions: z.int().optional() })
    .optional(),
  noncurrentVersionTransitions: z
    .array(
      z.strictObject({ noncurrentDays: days, newerNoncurrentVersions: z.int().optional(), storageClass }),
    )
    .optional(),
  abortIncompleteMultipartUpload: z.strictObject({ daysAfterInitiation: z.int().positive() }).optional(),
});

/** A lifecycle rule in the provider's words. */
export type Rule = z.infer<typeof ruleSchema>;

/** `aws.s3.BucketLifecycleConfiguration`. */
export const bucketLifecycle = bucketSetting({
  token: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  inputs: z.object({
    bucket: z.string(),
    rules: z.array(ruleSchema).min(1, "S3 wants at least one rule; leave the resource out for none"),
    transitionDefaultMinimumObjectSize: z
      .enum(["all_storage_classes_128K", "varies_by_storage_class"])
      .default("all_storage_classes_128K"),
  }),
  sameValue: (property, recorded, wanted) =>
    property === "rules" ? sameRules(recorded, wanted) : isDeepStrictEqual(recorded, wanted),
  put: ({ s3 }, { bucket, rules, transitionDefaultMinimumObjectSize }) =>
    s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: { Rules: rules.map(toS3) },
        TransitionDefaultMinimumObjectSize: transitionDefaultMinimumObjectSize,
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["NoSuchLifecycleConfiguration"],
      s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket })),
    );
    if (!found?.Rules?.length) return undefined;
    return {
      rules: found.Rules.map(fromS3),
      transitionDefaultMinimumObjectSize:
        found.TransitionDefaultMinimumObjectSize ?? "all_storage_classes_128K",
    };
  },
  remove: ({ s3 }, Bucket) => s3.send(new DeleteBucketLifecycleCommand({ Bucket })),
});

/** The rule as S3 takes it. */
export function toS3(rule: Rule): LifecycleRule {
  const { expiration, noncurrentVersionExpiration: noncurrent, abortIncompleteMultipartUpload: abort } = rule;
  return {
    ID: rule.id,
    Status: rule.status,
    Filter: filterToS3(rule.filter ?? {}),
    Transitions: rule.transitions?.map((each) => ({ Days: each.days, StorageClass: each.storageClass })),
    Expiration: expiration && {
      Days: expiration.days,
      ExpiredObjectDeleteMarker: expiration.expiredObjectDeleteMarker,
    },
    NoncurrentVersionExpiration: noncurrent && {
      NoncurrentDays: noncurrent.noncurrentDays,
      NewerNoncurrentVersions: noncurrent.newerNoncurrentVersions,
    },
    NoncurrentVersionTransitions: rule.noncurrentVersionTransitions?.map((each) => ({
      NoncurrentDays: each.noncurrentDays,
      NewerNoncurrentVersions: each.newerNoncurrentVersions,
      StorageClass: each.storageClass,
    })),
    AbortIncompleteMultipartUpload: abort && { DaysAfterInitiation: abort.daysAfterInitiation },
  };
}

/** The rule in the provider's words; properties that S3 left out are left out. */
export function fromS3(rule: LifecycleRule): Rule {
  const { Expiration: expiration, NoncurrentVersionExpiration: noncurrent } = rule;
  const abort = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
  return withoutUndefined({
    id: rule.ID ?? "",
    status: rule.Status ?? "Disabled",
    filter: filterFromS3(rule.Filter ?? { Prefix: rule.Prefix }),
    transitions: rule.Transitions?.map((each) => ({ days: each.Days, storageClass: each.StorageClass })),
    expiration: expiration && {
      days: expiration.Days,
      expiredObjectDeleteMarker: expiration.ExpiredObjectDeleteMarker,
    },
    noncurrentVersionExpiration: noncurrent && {
      noncurrentDays: noncurrent.NoncurrentDays,
      newerNoncurrentVersions: noncurrent.NewerNoncurrentVersions,
    },
    noncurrentVersionTransitions: rule.NoncurrentVersionTransitions?.map((each) => ({
      noncurrentDays: each.NoncurrentDays,
      newerNoncurrentVersions: each.NewerNoncurrentVersions,
      storageClass: each.StorageClass,
    })),
    abortIncompleteMultipartUpload: abort === undefined ? undefined : { daysAfterInitiation: abort },
  }) as Rule;
}

function filterToS3({
  prefix,
  objectSizeGreaterThan,
  objectSizeLessThan,
  tag,
  and,
}: NonNullable<Rule["filter"]>) {
  if (and !== undefined) {
    return {
      And: {
        Prefix: and.prefix,
        ObjectSizeGreaterThan: and.objectSizeGreaterThan,
        ObjectSizeLessThan: and.objectSizeLessThan,
        Tags: and.tags && Object.entries(and.tags).map(([Key, Value]) => ({ Key, Value })),
      },
    };
  }
  if (tag !== undefined) return { Tag: { Key: tag.key, Value: tag.value } };
  if (objectSizeGreaterThan !== undefined) return { ObjectSizeGreaterThan: objectSizeGreaterThan };
  if (objectSizeLessThan !== undefined) return { ObjectSizeLessThan: objectSizeLessThan };
  return { Prefix: prefix ?? "" };
}

function filterFromS3(filter: LifecycleRuleFilter): Rule["filter"] {
  const { And: and, Tag: tag } = filter;
  if (and !== undefined) {
    const tags = and.Tags?.map(({ Key = "", Value = "" }) => [Key, Value] as const);
    return withoutUndefined({
      and: {
        prefix: and.Prefix,
        objectSizeGreaterThan: and.ObjectSizeGreaterThan,
        objectSizeLessThan: and.ObjectSizeLessThan,
        tags: tags && Object.fromEntries(tags),
      },
    }) as Rule["filter"];
  }
  if (tag !== undefined) return { tag: { key: tag.Key ?? "", value: tag.Value ?? "" } };
  if (filter.ObjectSizeGreaterThan !== undefined)
    return { objectSizeGreaterThan: filter.ObjectSizeGreaterThan };
  if (filter.ObjectSizeLessThan !== undefined) return { objectSizeLessThan: filter.ObjectSizeLessThan };
  return { prefix: filter.Prefix ?? "" };
}

/** Rules have ids, so their order does not count; an absent filter is the empty prefix. */
function sameRules(recorded: unknown, wanted: unknown): boolean {
  const canonical = (value: unknown) => {
    const rules = z.array(ruleSchema).safeParse(value);
    if (!rules.success) return value;
    return rules.data.map((rule) => fromS3(toS3(rule))).sort((a, b) => (a.id < b.id ? -1 : 1));
  };
  return isDeepStrictEqual(canonical(recorded), canonical(wanted));
}

function withoutUndefined(value: object): object {
  return JSON.parse(JSON.stringify(value)) as object;
}
