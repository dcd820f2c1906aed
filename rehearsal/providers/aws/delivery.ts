import { isDeepStrictEqual } from "node:util";
import {
  type Event,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { bucketSetting } from "./bucket-setting.ts";

/** `aws.s3.BucketLogging`: where the bucket's access log goes. */
export const bucketLogging = bucketSetting({
  token: "aws:s3/bucketLogging:BucketLogging",
  inputs: z.object({ bucket: z.string(), targetBucket: z.string(), targetPrefix: z.string() }),
  put: ({ s3 }, { bucket, targetBucket, targetPrefix }) =>
    s3.send(
      new PutBucketLoggingCommand({
        Bucket: bucket,
        BucketLoggingStatus: { LoggingEnabled: { TargetBucket: targetBucket, TargetPrefix: targetPrefix } },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const { LoggingEnabled } = await s3.send(new GetBucketLoggingCommand({ Bucket }));
    if (LoggingEnabled?.TargetBucket === undefined) return undefined;
    return { targetBucket: LoggingEnabled.TargetBucket, targetPrefix: LoggingEnabled.TargetPrefix ?? "" };
  },
  remove: ({ s3 }, Bucket) => s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })),
});

const topics = z.array(
  z.strictObject({ id: z.string(), topicArn: z.string(), events: z.array(z.string()).min(1) }),
);

/** `aws.s3.BucketNotification`: what the bucket tells of itself. */
export const bucketNotification = bucketSetting({
  token: "aws:s3/bucketNotification:BucketNotification",
  inputs: z.object({ bucket: z.string(), topics }),
  sameValue: (property, recorded, wanted) =>
    property === "topics" ? isDeepStrictEqual(sorted(recorded), sorted(wanted)) : recorded === wanted,
  put: ({ s3 }, { bucket, topics }) =>
    s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: bucket,
        NotificationConfiguration: {
          TopicConfigurations: topics.map(({ id, topicArn, events }) => ({
            Id: id,
            TopicArn: topicArn,
            Events: events as Event[],
          })),
        },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const { TopicConfigurations: found = [] } = await s3.send(
      new GetBucketNotificationConfigurationCommand({ Bucket }),
    );
    if (found.length === 0) return undefined;
    return {
      topics: found.map(({ Id = "", TopicArn = "", Events = [] }) => ({
        id: Id,
        topicArn: TopicArn,
        events: Events,
      })),
    };
  },
  remove: ({ s3 }, Bucket) =>
    s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} })),
});

/** Notifications have ids, and their events no order. */
function sorted(value: unknown): unknown {
  const parsed = topics.safeParse(value);
  if (!parsed.success) return value;
  return parsed.data
    .map((each) => ({ ...each, events: each.events.toSorted() }))
    .sort((a, b) => a.id.localeCompare(b.id));
}
