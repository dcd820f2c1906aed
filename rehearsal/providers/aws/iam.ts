import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  type IAMClient,
  ListAccessKeysCommand,
  ListUserPoliciesCommand,
  ListUserTagsCommand,
  PutUserPolicyCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateAccessKeyCommand,
  UpdateUserCommand,
} from "@aws-sdk/client-iam";
import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import { jsonText, samePolicy } from "../json.ts";
import { type Aws, unlessMissing } from "./config.ts";
import { allTags, ownTags, removedKeys, tagList, tagsSchema } from "./tags.ts";

const userName = z.string().regex(/^[\w+=,.@-]{1,64}$/, "1 to 64 letters, digits and + = , . @ _ -");

/** `aws.iam.User`. */
export const user = defineResource({
  token: "aws:iam/user:User",
  inputs: z.object({
    name: userName,
    path: z.string().default("/"),
    forceDestroy: z.boolean().default(false),
    tags: tagsSchema,
  }),
  // The real provider renames in place; a new user is the same to the programs that use its key.
  replaceOn: ["name"],
  create: async ({ client: aws }: { client: Aws }, wanted) => {
    const tags = allTags(aws, wanted.tags);
    const { User } = await aws.iam.send(
      new CreateUserCommand({ UserName: wanted.name, Path: wanted.path, Tags: tagList(tags) }),
    );
    return {
      id: wanted.name,
      outputs: { arn: User?.Arn ?? "", uniqueId: User?.UserId ?? "", tagsAll: tags },
    };
  },
  read: async ({ client: aws }, id, recorded) => {
    const found = await unlessMissing(
      ["NoSuchEntityException"],
      aws.iam.send(new GetUserCommand({ UserName: id })),
    );
    if (found?.User === undefined) return undefined;
    const tags = await readTags(aws.iam, id);
    return {
      inputs: {
        name: id,
        path: found.User.Path,
        forceDestroy: recorded.inputs.forceDestroy,
        tags: ownTags(aws, tags, recorded.inputs.tags),
      },
      outputs: { arn: found.User.Arn ?? "", uniqueId: found.User.UserId ?? "", tagsAll: tags },
    };
  },
  update: async ({ client: aws }, id, recorded, wanted) => {
    await aws.iam.send(new UpdateUserCommand({ UserName: id, NewPath: wanted.path }));
    const tags = allTags(aws, wanted.tags);
    const removed = removedKeys(await readTags(aws.iam, id), tags);
    if (removed.length > 0) await aws.iam.send(new UntagUserCommand({ UserName: id, TagKeys: removed }));
    if (Object.keys(tags).length > 0)
      await aws.iam.send(new TagUserCommand({ UserName: id, Tags: tagList(tags) }));
    return { arn: recorded.outputs.arn ?? "", uniqueId: recorded.outputs.uniqueId ?? "", tagsAll: tags };
  },
  delete: async ({ client: aws }, id, recorded) => {
    if (recorded.inputs.forceDestroy === true) await stripUser(aws.iam, id);
    await unlessMissing(["NoSuchEntityException"], aws.iam.send(new DeleteUserCommand({ UserName: id })));
  },
});

/** `aws.iam.UserPolicy`: an inline policy of a user. Its id is `USER:NAME`. */
export const userPolicy = defineResource({
  token: "aws:iam/userPolicy:UserPolicy",
  inputs: z.object({ name: z.string().min(1).max(128), user: userName, policy: jsonText }),
  replaceOn: ["name", "user"],
  deleteBeforeReplace: true,
  sameValue: (property, recorded, wanted) =>
    property === "policy" ? samePolicy(recorded, wanted) : recorded === wanted,
  create: async ({ client: aws }: { client: Aws }, wanted) => {
    await putPolicy(aws.iam, wanted);
    return { id: `${wanted.user}:${wanted.name}`, outputs: {} };
  },
  read: async ({ client: aws }, id) => {
    const { user: UserName, name: PolicyName } = splitId(id);
    const found = await unlessMissing(
      ["NoSuchEntityException"],
      aws.iam.send(new GetUserPolicyCommand({ UserName, PolicyName })),
    );
    if (found?.PolicyDocument === undefined) return undefined;
    // IAM answers the document percent-encoded; moto answers it plain.
    const policy = found.PolicyDocument.startsWith("%")
      ? decodeURIComponent(found.PolicyDocument)
      : found.PolicyDocument;
    return { inputs: { name: PolicyName, user: UserName, policy }, outputs: {} };
  },
  update: async ({ client: aws }, _id, _recorded, wanted) => {
    await putPolicy(aws.iam, wanted);
    return {};
  },
  delete: async ({ client: aws }, id) => {
    const { user: UserName, name: PolicyName } = splitId(id);
    await unlessMissing(
      ["NoSuchEntityException"],
      aws.iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName })),
    );
  },
});

/** `aws.iam.AccessKey`. IAM tells the secret only once, so it lives in the state, as a secret. */
export const accessKey = defineResource({
  token: "aws:iam/accessKey:AccessKey",
  inputs: z.object({ user: userName, status: z.enum(["Active", "Inactive"]).default("Active") }),
  replaceOn: ["user"],
  secretOutputs: ["secret"],
  create: async ({ client: aws }: { client: Aws }, wanted) => {
    const { AccessKey } = await aws.iam.send(new CreateAccessKeyCommand({ UserName: wanted.user }));
    const id = AccessKey?.AccessKeyId ?? "";
    if (wanted.status !== "Active") await setStatus(aws.iam, id, wanted);
    const createDate = (AccessKey?.CreateDate ?? new Date()).toISOString();
    return { id, outputs: { secret: AccessKey?.SecretAccessKey ?? "", createDate } };
  },
  read: async ({ client: aws }, id, recorded) => {
    const UserName = recorded.inputs.user;
    if (UserName === undefined)
      throw new Error(`access key ${id} cannot be imported: its secret is not to be had`);
    const found = await unlessMissing(
      ["NoSuchEntityException"],
      aws.iam.send(new ListAccessKeysCommand({ UserName })),
    );
    const key = found?.AccessKeyMetadata?.find(({ AccessKeyId }) => AccessKeyId === id);
    if (key === undefined) return undefined;
    const { secret = "", createDate = "" } = recorded.outputs;
    return { inputs: { user: UserName, status: key.Status as "Active" }, outputs: { secret, createDate } };
  },
  update: async ({ client: aws }, id, recorded, wanted) => {
    await setStatus(aws.iam, id, wanted);
    const { secret = "", createDate = "" } = recorded.outputs;
    return { secret, createDate };
  },
  delete: async ({ client: aws }, AccessKeyId, recorded) => {
    await unlessMissing(
      ["NoSuchEntityException"],
      aws.iam.send(new DeleteAccessKeyCommand({ UserName: recorded.inputs.user, AccessKeyId })),
    );
  },
});

function putPolicy(
  iam: IAMClient,
  { name, user: UserName, policy }: { name: string; user: string; policy: string },
) {
  return iam.send(new PutUserPolicyCommand({ UserName, PolicyName: name, PolicyDocument: policy }));
}

function setStatus(
  iam: IAMClient,
  AccessKeyId: string,
  wanted: { user: string; status: "Active" | "Inactive" },
) {
  return iam.send(new UpdateAccessKeyCommand({ UserName: wanted.user, AccessKeyId, Status: wanted.status }));
}

/** Takes off what IAM wants gone before it deletes a user. */
async function stripUser(iam: IAMClient, UserName: string): Promise<void> {
  const missing = ["NoSuchEntityException"];
  const keys = await unlessMissing(missing, iam.send(new ListAccessKeysCommand({ UserName })));
  for (const { AccessKeyId } of keys?.AccessKeyMetadata ?? []) {
    await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  }
  const policies = await unlessMissing(missing, iam.send(new ListUserPoliciesCommand({ UserName })));
  for (const PolicyName of policies?.PolicyNames ?? []) {
    await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
  }
}

async function readTags(iam: IAMClient, UserName: string): Promise<Record<string, string>> {
  const { Tags } = await iam.send(new ListUserTagsCommand({ UserName }));
  return Object.fromEntries((Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

function splitId(id: string): { user: string; name: string } {
  const [user = "", ...name] = id.split(":");
  return { user, name: name.join(":") };
}
