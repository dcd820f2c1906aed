import { z } from "zod";
import { withMeta } from "../../provider/meta.ts";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { comment, expire, userId } from "./values.ts";

const shortText = z
  .string()
  .min(2, "this has at least 2 characters")
  .max(64, "this has at most 64 characters")
  .regex(/^[^\p{Cc}]*$/u, "this is one line without control characters");

/** A user. Users of the realm `pam` log in with the password of the system, those of `pbs` with one of their own. */
export const userInputs = z.object({
  userid: userId,
  /** Only for the realm `pbs`. Set on creation: no API token may change a password later. */
  password: withMeta(
    z.string().min(8, "a password has at least 8 characters").max(64, "a password has at most 64 characters"),
    { secret: true },
  ).optional(),
  /** Whether the user may log in. */
  enable: z.boolean().default(true),
  expire,
  comment: comment.optional(),
  /** Address for notifications. */
  email: shortText.optional(),
  /** Given name. */
  firstname: shortText.optional(),
  /** Family name. */
  lastname: shortText.optional(),
});

export const user = configResource({
  token: "pbs:index:User",
  kind: "user",
  file: "user",
  inputs: userInputs,
  identity: ["userid"],
  unreadable: ["password"],
  checkTogether: ({ userid, password }) =>
    password === undefined || userid.endsWith("@pbs")
      ? []
      : [
          {
            property: "password",
            reason: `only users of the realm pbs have a password at the server; leave it out for ${userid}`,
          },
        ],
  idOf: (inputs) => inputs.userid,
  createAt: (inputs) => ({
    path: "/access/users",
    parameters: { userid: inputs.userid, password: inputs.password },
  }),
  itemPath: (id) => apiPath`/access/users/${id}`,
  identityOf: (id) => ({ userid: id }),
  refuseUpdate: (recorded, wanted) =>
    wanted.password === undefined || wanted.password === recorded.password
      ? undefined
      : `the password of ${String(wanted.userid)} cannot be changed here, since the server lets no API token change one: ` +
        `set it with \`proxmox-backup-manager user update '${String(wanted.userid)}' --password …\` and add ` +
        '`ignoreChanges: ["password"]` to the resource, or remove `password` from the program',
});
