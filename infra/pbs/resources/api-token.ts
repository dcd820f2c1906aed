import { z } from "zod";
import { withMeta } from "../../provider/meta.ts";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { comment, expire, userId } from "./values.ts";

/** An API token. It may do what both its own permissions and its user's allow, so it needs an `Acl` of its own. */
export const apiTokenInputs = z.object({
  userid: userId,
  /** The part of the id after the exclamation mark. */
  tokenName: z
    .string()
    .max(32, "a token name has at most 32 characters")
    .regex(
      /^[A-Za-z0-9_][A-Za-z0-9._-]*$/,
      'a token name has letters, digits, "." "_" "-", for example "pve"',
    ),
  /** Whether the token may be used. */
  enable: z.boolean().default(true),
  expire,
  comment: comment.optional(),
});

/** What the server tells of a token. */
export const apiTokenOutputs = z.object({
  /** `name@realm!token`. */
  tokenId: z.string(),
  /** The secret, shown by the server only once; absent for an imported token. */
  value: withMeta(z.string(), { secret: true }).optional(),
});

export const apiToken = configResource({
  token: "pbs:index:ApiToken",
  kind: "API token",
  file: "user",
  inputs: apiTokenInputs,
  identity: ["userid", "tokenName"],
  secretOutputs: ["value"],
  outputs: apiTokenOutputs,
  idOf: (inputs) => `${inputs.userid}!${inputs.tokenName}`,
  createAt: (inputs) => ({
    path: apiPath`/access/users/${inputs.userid}/token/${inputs.tokenName}`,
    parameters: {},
  }),
  itemPath: (id) => {
    const { userid, tokenName } = splitTokenId(id);
    return apiPath`/access/users/${userid}/token/${tokenName}`;
  },
  identityOf: splitTokenId,
  outputsOf(created) {
    const { tokenid, value } = created as { tokenid: string; value: string };
    return { tokenId: tokenid, value };
  },
  outputsAfterRead: (id, recorded) => ({ tokenId: id, value: recorded.value }),
});

function splitTokenId(id: string): { userid: string; tokenName: string } {
  const [userid, tokenName, ...more] = id.split("!");
  if (!userid || !tokenName || more.length > 0) {
    throw new Error(`"${id}" is no id of an API token; it is name@realm!token, for example pulumi@pbs!lab`);
  }
  return { userid, tokenName };
}
