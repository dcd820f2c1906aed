import { isDeepStrictEqual } from "node:util";
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  ListTagsForResourceCommand,
  paginateListSubscriptionsByTopic,
  SetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-sns";
import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import { jsonText, samePolicy } from "../json.ts";
import { type Aws, unlessMissing } from "./config.ts";
import { allTags, ownTags, removedKeys, tagList, tagsSchema } from "./tags.ts";

const missing = ["NotFoundException", "NotFound"];

/** `aws.sns.Topic`. Its id is its ARN. */
export const topic = defineResource({
  token: "aws:sns/topic:Topic",
  inputs: z.object({
    name: z.string().regex(/^[\w-]{1,256}$/, "1 to 256 letters, digits, - and _"),
    kmsMasterKeyId: z.string().default(""),
    tags: tagsSchema,
  }),
  replaceOn: ["name"],
  deleteBeforeReplace: true,
  sameValue: (_property, recorded, wanted) => isDeepStrictEqual(recorded, wanted),
  create: async ({ client: aws }: { client: Aws }, { name, kmsMasterKeyId, tags }) => {
    const tagsAll = allTags(aws, tags);
    const Attributes = kmsMasterKeyId === "" ? {} : { KmsMasterKeyId: kmsMasterKeyId };
    const { TopicArn = "" } = await aws.sns.send(
      new CreateTopicCommand({ Name: name, Attributes, Tags: tagList(tagsAll) }),
    );
    return { id: TopicArn, outputs: outputsOf(aws, TopicArn, tagsAll) };
  },
  read: async ({ client: aws }, id, recorded) => {
    const attributes = await attributesOf(aws.sns, id);
    if (attributes === undefined) return undefined;
    const tagsAll = await readTags(aws.sns, id);
    return {
      inputs: {
        name: id.split(":").at(-1) ?? "",
        kmsMasterKeyId: attributes.KmsMasterKeyId ?? "",
        tags: ownTags(aws, tagsAll, recorded.inputs.tags),
      },
      outputs: outputsOf(aws, id, tagsAll),
    };
  },
  update: async ({ client: aws }, TopicArn, _recorded, { kmsMasterKeyId, tags }) => {
    await setAttribute(aws.sns, TopicArn, "KmsMasterKeyId", kmsMasterKeyId);
    const tagsAll = allTags(aws, tags);
    const removed = removedKeys(await readTags(aws.sns, TopicArn), tagsAll);
    if (removed.length > 0)
      await aws.sns.send(new UntagResourceCommand({ ResourceArn: TopicArn, TagKeys: removed }));
    if (Object.keys(tagsAll).length > 0)
      await aws.sns.send(new TagResourceCommand({ ResourceArn: TopicArn, Tags: tagList(tagsAll) }));
    return outputsOf(aws, TopicArn, tagsAll);
  },
  delete: async ({ client: aws }, TopicArn) => {
    await unlessMissing(missing, aws.sns.send(new DeleteTopicCommand({ TopicArn })));
  },
});

/** `aws.sns.TopicPolicy`. Its id is the topic's ARN. */
export const topicPolicy = defineResource({
  token: "aws:sns/topicPolicy:TopicPolicy",
  inputs: z.object({ arn: z.string(), policy: jsonText }),
  replaceOn: ["arn"],
  sameValue: (property, recorded, wanted) =>
    property === "policy" ? samePolicy(recorded, wanted) : recorded === wanted,
  create: async ({ client: aws }: { client: Aws }, { arn, policy }) => {
    await setAttribute(aws.sns, arn, "Policy", policy);
    return { id: arn, outputs: { owner: accountOf(arn) } };
  },
  read: async ({ client: aws }, id) => {
    const attributes = await attributesOf(aws.sns, id);
    if (attributes?.Policy === undefined) return undefined;
    return { inputs: { arn: id, policy: attributes.Policy }, outputs: { owner: accountOf(id) } };
  },
  update: async ({ client: aws }, id, _recorded, { policy }) => {
    await setAttribute(aws.sns, id, "Policy", policy);
    return { owner: accountOf(id) };
  },
  // A topic is never without a policy: only its owner may use it again.
  delete: async ({ client: aws }, id) => {
    const policy = {
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${accountOf(id)}:root` },
        Action: "sns:*",
        Resource: id,
      },
    };
    await unlessMissing(missing, setAttribute(aws.sns, id, "Policy", JSON.stringify(policy)));
  },
});

/** `aws.sns.TopicSubscription`. moto confirms every subscription by itself; on AWS its owner does, from the message. */
export const topicSubscription = defineResource({
  token: "aws:sns/topicSubscription:TopicSubscription",
  inputs: z.object({
    topic: z.string(),
    protocol: z.enum(["email", "http", "https"]),
    endpoint: z.string(),
  }),
  replaceOn: ["topic", "protocol", "endpoint"],
  create: async ({ client: aws }: { client: Aws }, wanted) => {
    const { SubscriptionArn = "" } = await aws.sns.send(
      new SubscribeCommand({
        TopicArn: wanted.topic,
        Protocol: wanted.protocol,
        Endpoint: wanted.endpoint,
        ReturnSubscriptionArn: true,
      }),
    );
    return { id: SubscriptionArn, outputs: { arn: SubscriptionArn } };
  },
  read: async ({ client: aws }, id) => {
    const found = await findSubscription(aws.sns, id);
    if (found === undefined) return undefined;
    const { TopicArn = "", Protocol, Endpoint = "" } = found;
    return {
      inputs: { topic: TopicArn, protocol: Protocol as "email", endpoint: Endpoint },
      outputs: { arn: id },
    };
  },
  update: async (_, id) => ({ arn: id }),
  delete: async ({ client: aws }, SubscriptionArn) => {
    await unlessMissing(missing, aws.sns.send(new UnsubscribeCommand({ SubscriptionArn })));
  },
});

function outputsOf(aws: Aws, arn: string, tagsAll: Record<string, string>) {
  return { arn, owner: accountOf(arn), region: aws.region, tagsAll };
}

function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}

async function attributesOf(sns: SNSClient, TopicArn: string): Promise<Record<string, string> | undefined> {
  const found = await unlessMissing(missing, sns.send(new GetTopicAttributesCommand({ TopicArn })));
  return found?.Attributes;
}

function setAttribute(sns: SNSClient, TopicArn: string, AttributeName: string, AttributeValue: string) {
  return sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }));
}

async function findSubscription(sns: SNSClient, arn: string) {
  const TopicArn = arn.split(":").slice(0, -1).join(":");
  const pages = paginateListSubscriptionsByTopic({ client: sns }, { TopicArn });
  try {
    for await (const { Subscriptions = [] } of pages) {
      const found = Subscriptions.find(({ SubscriptionArn }) => SubscriptionArn === arn);
      if (found) return found;
    }
  } catch (error) {
    if (!(error instanceof Error && missing.includes(error.name))) throw error;
  }
  return undefined;
}

async function readTags(sns: SNSClient, ResourceArn: string): Promise<Record<string, string>> {
  const { Tags } = await sns.send(new ListTagsForResourceCommand({ ResourceArn }));
  return Object.fromEntries((Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}
