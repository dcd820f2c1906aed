import { Readable } from "node:stream";
import { mayUseKey } from "./access.ts";
import { bucketArn } from "./actions.ts";
import { S3Error } from "./errors.ts";
import type { Facts, Moto, ObjectId } from "./moto.ts";
import { effectOf, parsePolicy } from "./policy.ts";
import { resolveKey } from "./services.ts";

const service = { type: "service", name: "s3.amazonaws.com" } as const;

/**
 * Why S3 may not publish to a topic; undefined where it may: the topic's policy must allow it for this bucket and
 * account, and an encrypted topic's key must let S3 use it (S3 user guide, "Granting permissions to publish event
 * notification messages to a destination"; SNS developer guide, "Key management").
 */
export function publishRefusal(bucket: string, topicArn: string, facts: Facts): string | undefined {
  const topic = facts.topics[topicArn];
  if (topic === undefined) return "the topic does not exist";
  const context = new Map([
    ["aws:sourcearn", bucketArn(bucket)],
    ["aws:sourceaccount", facts.account],
  ]);
  const request = { principal: service, action: "sns:Publish", resource: topicArn, context };
  if (effectOf([parsePolicy(topic.policy)], request) !== "allow")
    return "the topic's policy does not allow s3.amazonaws.com to publish for this bucket";
  if (topic.kmsKey === null) return undefined;
  const key = resolveKey(topic.kmsKey, facts);
  // The policy of the key that AWS manages for SNS cannot be changed, and does not name S3.
  if (key === undefined) return "S3 cannot use the topic's key";
  const usable = ["kms:GenerateDataKey", "kms:Decrypt"].every((action) =>
    mayUseKey({ principal: service, policies: [] }, action, key, context, facts),
  );
  return usable ? undefined : "the policy of the topic's key does not let s3.amazonaws.com use it";
}

/**
 * S3 refuses a notification to where it cannot publish (S3 API reference, PutBucketNotificationConfiguration).
 * @throws S3Error InvalidArgument
 */
export function demandPublishable(bucket: string, document: string, facts: Facts): void {
  for (const [, arn = ""] of document.matchAll(/<Topic>([^<]+)<\/Topic>/g)) {
    const reason = publishRefusal(bucket, arn, facts);
    if (reason === undefined) continue;
    throw new S3Error(400, "InvalidArgument", "Unable to validate the following destination configurations", {
      ArgumentName: arn,
      ArgumentValue: reason,
    });
  }
}

/** Publishes an event to the topics that the bucket names for it; gives what was not delivered and why. */
export async function announce(
  moto: Moto,
  event: string,
  id: ObjectId,
  eventTime: Date,
): Promise<readonly string[]> {
  const facts = await moto.facts();
  const problems: string[] = [];
  for (const { arn, events } of facts.buckets[id.bucket]?.topics ?? []) {
    if (!events.includes(event) && !events.includes(event.replace(/:[^:]+$/, ":*"))) continue;
    const reason = publishRefusal(id.bucket, arn, facts);
    if (reason !== undefined) {
      problems.push(`${event} of ${id.bucket}/${id.key} was not delivered to ${arn}: ${reason}`);
      continue;
    }
    await publish(moto, arn, JSON.stringify({ Records: [await record(moto, event, id, eventTime, facts)] }));
  }
  return problems;
}

async function record(
  moto: Moto,
  event: string,
  id: ObjectId,
  eventTime: Date,
  facts: Facts,
): Promise<object> {
  const object = await moto.object(id);
  return {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: facts.buckets[id.bucket]?.region,
    eventTime: eventTime.toISOString(),
    eventName: event.replace(/^s3:/, ""),
    s3: {
      s3SchemaVersion: "1.0",
      bucket: { name: id.bucket, arn: bucketArn(id.bucket) },
      object: {
        key: encodeURIComponent(id.key),
        size: object?.size,
        eTag: object?.etag,
        versionId: id.versionId,
      },
    },
  };
}

async function publish(moto: Moto, topicArn: string, message: string): Promise<void> {
  const region = topicArn.split(":")[3] ?? "";
  const body = new URLSearchParams({
    Action: "Publish",
    Version: "2010-03-31",
    TopicArn: topicArn,
    Subject: "Amazon S3 Notification",
    Message: message,
  }).toString();
  const response = await moto.forward({
    method: "POST",
    path: "/",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=proxy/20200101/${region}/sns/aws4_request, SignedHeaders=host, Signature=0`,
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "content-length": String(Buffer.byteLength(body)),
    },
    body: Readable.from([body]),
  });
  response.resume();
  if (response.statusCode !== 200)
    throw new Error(`publishing to ${topicArn} was answered ${response.statusCode}`);
}
