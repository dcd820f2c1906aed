import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListRoleTagsCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import { jsonText, samePolicy } from "../json.ts";
import { type Aws, unlessMissing } from "./config.ts";
import { allTags, ownTags, removedKeys, tagList, tagsSchema } from "./tags.ts";

const missing = ["NoSuchEntityException"];
const samePolicies = (property: string, recorded: unknown, wanted: unknown): boolean =>
  property === "policy" || property === "assumeRolePolicy"
    ? samePolicy(recorded, wanted)
    : JSON.stringify(recorded) === JSON.stringify(wanted);

/** `aws.iam.Role`. Its id is its name. */
export const role = defineResource({
  token: "aws:iam/role:Role",
  inputs: z.object({
    name: z.string().regex(/^[\w+=,.@-]{1,64}$/, "1 to 64 letters, digits and + = , . @ _ -"),
    path: z.string().default("/"),
    assumeRolePolicy: jsonText,
    tags: tagsSchema,
  }),
  replaceOn: ["name", "path"],
  deleteBeforeReplace: true,
  sameValue: samePolicies,
  create: async ({ client: aws }: { client: Aws }, { name, path, assumeRolePolicy, tags }) => {
    const tagsAll = allTags(aws, tags);
    const { Role } = await aws.iam.send(
      new CreateRoleCommand({
        RoleName: name,
        Path: path,
        AssumeRolePolicyDocument: assumeRolePolicy,
        Tags: tagList(tagsAll),
      }),
    );
    return { id: name, outputs: { arn: Role?.Arn ?? "", uniqueId: Role?.RoleId ?? "", tagsAll } };
  },
  read: async ({ client: aws }, id, recorded) => {
    const found = await unlessMissing(missing, aws.iam.send(new GetRoleCommand({ RoleName: id })));
    if (found?.Role === undefined) return undefined;
    const tagsAll = await readTags(aws.iam, id);
    return {
      inputs: {
        name: id,
        path: found.Role.Path ?? "/",
        assumeRolePolicy: decoded(found.Role.AssumeRolePolicyDocument ?? ""),
        tags: ownTags(aws, tagsAll, recorded.inputs.tags),
      },
      outputs: { arn: found.Role.Arn ?? "", uniqueId: found.Role.RoleId ?? "", tagsAll },
    };
  },
  update: async ({ client: aws }, RoleName, recorded, { assumeRolePolicy, tags }) => {
    await aws.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: assumeRolePolicy }));
    const tagsAll = allTags(aws, tags);
    const removed = removedKeys(await readTags(aws.iam, RoleName), tagsAll);
    if (removed.length > 0) await aws.iam.send(new UntagRoleCommand({ RoleName, TagKeys: removed }));
    if (Object.keys(tagsAll).length > 0)
      await aws.iam.send(new TagRoleCommand({ RoleName, Tags: tagList(tagsAll) }));
    return { arn: recorded.outputs.arn ?? "", uniqueId: recorded.outputs.uniqueId ?? "", tagsAll };
  },
  delete: async ({ client: aws }, RoleName) => {
    await unlessMissing(missing, aws.iam.send(new DeleteRoleCommand({ RoleName })));
  },
});

/** `aws.iam.RolePolicy`: an inline policy of a role. Its id is `ROLE:NAME`. */
export const rolePolicy = defineResource({
  token: "aws:iam/rolePolicy:RolePolicy",
  inputs: z.object({ name: z.string().min(1).max(128), role: z.string(), policy: jsonText }),
  replaceOn: ["name", "role"],
  deleteBeforeReplace: true,
  sameValue: samePolicies,
  create: async ({ client: aws }: { client: Aws }, wanted) => {
    await putPolicy(aws.iam, wanted);
    return { id: `${wanted.role}:${wanted.name}`, outputs: {} };
  },
  read: async ({ client: aws }, id) => {
    const { RoleName, PolicyName } = splitId(id);
    const found = await unlessMissing(
      missing,
      aws.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName })),
    );
    if (found?.PolicyDocument === undefined) return undefined;
    return {
      inputs: { name: PolicyName, role: RoleName, policy: decoded(found.PolicyDocument) },
      outputs: {},
    };
  },
  update: async ({ client: aws }, _id, _recorded, wanted) => {
    await putPolicy(aws.iam, wanted);
    return {};
  },
  delete: async ({ client: aws }, id) => {
    await unlessMissing(missing, aws.iam.send(new DeleteRolePolicyCommand(splitId(id))));
  },
});

function putPolicy(iam: IAMClient, { name, role, policy }: { name: string; role: string; policy: string }) {
  return iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: name, PolicyDocument: policy }));
}

/** IAM answers a document percent-encoded; moto answers some plain. */
function decoded(document: string): string {
  return document.startsWith("%") ? decodeURIComponent(document) : document;
}

function splitId(id: string): { readonly RoleName: string; readonly PolicyName: string } {
  const [RoleName = "", ...name] = id.split(":");
  return { RoleName, PolicyName: name.join(":") };
}

async function readTags(iam: IAMClient, RoleName: string): Promise<Record<string, string>> {
  const { Tags } = await iam.send(new ListRoleTagsCommand({ RoleName }));
  return Object.fromEntries((Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}
