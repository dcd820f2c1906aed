import { isDeepStrictEqual } from "node:util";
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyRotationCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  paginateListAliases,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from "@aws-sdk/client-kms";
import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import { jsonText, samePolicy } from "../json.ts";
import { type Aws, regionSchema, unlessMissing } from "./config.ts";
import { allTags, ownTags, removedKeys, tagsSchema } from "./tags.ts";

const policyName = "default";

/** `aws.kms.Key`: a symmetric key. Deleting it schedules its deletion, as KMS wants it. */
export const key = defineResource({
  token: "aws:kms/key:Key",
  inputs: z.object({
    description: z.string().max(8192).default("Managed by Pulumi"),
    enableKeyRotation: z.boolean().default(false),
    deletionWindowInDays: z.int().min(7, "KMS keeps a key for at least 7 days").max(30).default(30),
    policy: jsonText.optional(),
    tags: tagsSchema,
    region: regionSchema,
  }),
  replaceOn: ["region"],
  sameValue: (property, recorded, wanted) =>
    property === "policy" ? samePolicy(recorded, wanted) : isDeepStrictEqual(recorded, wanted),
  create: async ({ client }: { client: Aws }, wanted) => {
    const aws = client.inRegion(wanted.region);
    const tags = allTags(aws, wanted.tags);
    const { KeyMetadata } = await aws.kms.send(
      new CreateKeyCommand({ Description: wanted.description, Policy: wanted.policy, Tags: kmsTags(tags) }),
    );
    const KeyId = KeyMetadata?.KeyId ?? "";
    if (wanted.enableKeyRotation) await aws.kms.send(new EnableKeyRotationCommand({ KeyId }));
    return {
      id: KeyId,
      outputs: { arn: KeyMetadata?.Arn ?? "", keyId: KeyId, region: aws.region, tagsAll: tags },
    };
  },
  read: async ({ client }, KeyId, recorded) => {
    const aws = client.inRegion(recorded.inputs.region);
    const found = await unlessMissing(["NotFoundException"], aws.kms.send(new DescribeKeyCommand({ KeyId })));
    const metadata = found?.KeyMetadata;
    if (metadata === undefined || metadata.KeyState === "PendingDeletion") return undefined;
    const { KeyRotationEnabled } = await aws.kms.send(new GetKeyRotationStatusCommand({ KeyId }));
    const { Policy } = await aws.kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: policyName }));
    const tags = await readTags(aws.kms, KeyId);
    return {
      inputs: {
        description: metadata.Description ?? "",
        enableKeyRotation: KeyRotationEnabled ?? false,
        deletionWindowInDays: recorded.inputs.deletionWindowInDays,
        // A key always has a policy; AWS's own says nothing about a program that states none.
        policy: recorded.inputs.policy === undefined ? undefined : Policy,
        tags: ownTags(aws, tags, recorded.inputs.tags),
        ...(recorded.inputs.region === undefined ? {} : { region: recorded.inputs.region }),
      },
      outputs: { arn: metadata.Arn ?? "", keyId: KeyId, region: aws.region, tagsAll: tags },
    };
  },
  update: async ({ client }, KeyId, recorded, wanted) => {
    const aws = client.inRegion(wanted.region);
    await aws.kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: wanted.description }));
    if (wanted.policy !== undefined && !samePolicy(recorded.inputs.policy, wanted.policy)) {
      await aws.kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: policyName, Policy: wanted.policy }));
    }
    const rotation = wanted.enableKeyRotation ? EnableKeyRotationCommand : DisableKeyRotationCommand;
    await aws.kms.send(new rotation({ KeyId }));
    const tags = allTags(aws, wanted.tags);
    const removed = removedKeys(await readTags(aws.kms, KeyId), tags);
    if (removed.length > 0) await aws.kms.send(new UntagResourceCommand({ KeyId, TagKeys: removed }));
    if (Object.keys(tags).length > 0)
      await aws.kms.send(new TagResourceCommand({ KeyId, Tags: kmsTags(tags) }));
    return { arn: recorded.outputs.arn ?? "", keyId: KeyId, region: aws.region, tagsAll: tags };
  },
  delete: async ({ client }, KeyId, recorded) => {
    const aws = client.inRegion(recorded.inputs.region);
    await unlessMissing(
      ["NotFoundException", "KMSInvalidStateException"],
      aws.kms.send(
        new ScheduleKeyDeletionCommand({
          KeyId,
          PendingWindowInDays: recorded.inputs.deletionWindowInDays ?? 30,
        }),
      ),
    );
  },
});

/** `aws.kms.Alias`. */
export const alias = defineResource({
  token: "aws:kms/alias:Alias",
  inputs: z.object({
    name: z.string().regex(/^alias\/(?!aws\/)[\w/-]+$/, 'an alias is "alias/" and letters, digits, / _ -'),
    targetKeyId: z.string(),
    region: regionSchema,
  }),
  replaceOn: ["name", "region"],
  deleteBeforeReplace: true,
  sameValue: (property, recorded, wanted) =>
    property === "targetKeyId" ? keyIdOf(recorded) === keyIdOf(wanted) : recorded === wanted,
  create: async ({ client }: { client: Aws }, { name, targetKeyId, region }) => {
    const aws = client.inRegion(region);
    await aws.kms.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: targetKeyId }));
    return { id: name, outputs: await aliasOutputs(aws, name) };
  },
  read: async ({ client }, id, recorded) => {
    const { region } = recorded.inputs;
    const aws = client.inRegion(region);
    const found = await findAlias(aws.kms, id);
    if (found?.TargetKeyId === undefined) return undefined;
    const inputs = { name: id, targetKeyId: found.TargetKeyId, ...(region === undefined ? {} : { region }) };
    return { inputs, outputs: await aliasOutputs(aws, id) };
  },
  update: async ({ client }, id, _recorded, { targetKeyId, region }) => {
    const aws = client.inRegion(region);
    await aws.kms.send(new UpdateAliasCommand({ AliasName: id, TargetKeyId: targetKeyId }));
    return aliasOutputs(aws, id);
  },
  delete: async ({ client }, id, recorded) => {
    const aws = client.inRegion(recorded.inputs.region);
    await unlessMissing(["NotFoundException"], aws.kms.send(new DeleteAliasCommand({ AliasName: id })));
  },
});

async function aliasOutputs(aws: Aws, name: string) {
  const { KeyMetadata } = await aws.kms.send(new DescribeKeyCommand({ KeyId: name }));
  const targetKeyArn = KeyMetadata?.Arn ?? "";
  return { arn: targetKeyArn.replace(/:key\/.*$/, `:${name}`), targetKeyArn, region: aws.region };
}

async function findAlias(kms: KMSClient, name: string) {
  for await (const page of paginateListAliases({ client: kms }, {})) {
    const found = page.Aliases?.find(({ AliasName }) => AliasName === name);
    if (found) return found;
  }
  return undefined;
}

async function readTags(kms: KMSClient, KeyId: string): Promise<Record<string, string>> {
  const { Tags } = await kms.send(new ListResourceTagsCommand({ KeyId }));
  return Object.fromEntries((Tags ?? []).map(({ TagKey = "", TagValue = "" }) => [TagKey, TagValue]));
}

function kmsTags(tags: Record<string, string>) {
  return Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
}

/** A key may be named by its id or its ARN. */
function keyIdOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.split("/").at(-1) : undefined;
}
