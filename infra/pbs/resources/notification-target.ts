import { z } from "zod";
import { withMeta } from "../../provider/meta.ts";
import type { Failure } from "../../provider/resource.ts";
import { apiPath } from "../client.ts";
import { base64Text, namedSecrets, namedValues } from "./codecs.ts";
import { configResource } from "./config-object.ts";
import { comment, entityName, host, httpUrl, line, listOf, port, secretLine } from "./values.ts";
import { sameNameOtherType, typeAndName, type Variant, variantFailures } from "./variants.ts";

const targetTypes = z.enum(["gotify", "sendmail", "smtp", "webhook"], {
  error: "a notification target is of type gotify, sendmail, smtp or webhook",
});
const recipient = line.min(2).max(64, "a recipient has at most 64 characters");

/** Where notifications go. Which properties there are depends on `type`; a matcher names the target. */
export const notificationTargetInputs = z.object({
  name: entityName,
  /** What kind of target it is. */
  type: targetTypes,
  comment: comment.optional(),
  /** Whether nothing is sent to it. */
  disable: z.boolean().default(false),

  /** smtp: the mail server, a name or an address. gotify: the URL of the server. */
  server: z.string().min(1).optional(),
  /** gotify: the application's token. Secret. */
  token: secretLine.optional(),

  /** smtp, sendmail: addresses. */
  mailto: listOf(recipient).optional(),
  /** smtp, sendmail: users of this server, whose addresses are in their settings. */
  mailtoUser: listOf(
    recipient.regex(/^[^\s:/!@]+@[^\s:/!@]+$/, 'a user is "name@realm", for example "root@pam"'),
  ).optional(),
  /** smtp, sendmail: the name of the sender. */
  author: line.min(1).optional(),
  /** smtp, sendmail: the address of the sender. */
  fromAddress: line.regex(/@/, "fromAddress is a mail address").optional(),
  /** smtp: how the connection is encrypted. Default tls. */
  mode: z.enum(["tls", "starttls", "insecure"], { error: "mode is tls, starttls or insecure" }).optional(),
  /** smtp: by default 465 for tls, 587 for starttls and 25 for insecure. */
  port: port.optional(),
  /** smtp: together with `password`. */
  username: line.min(1).optional(),
  /** smtp. Secret. */
  password: secretLine.optional(),

  /** webhook: may hold templates, and so may headers and body: `{{ title }}`, `{{ secrets.name }}`. */
  url: httpUrl.optional(),
  /** webhook. Default post. */
  method: z.enum(["post", "put", "get"], { error: "method is post, put or get" }).optional(),
  /** webhook: by name. */
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "this is no name of an HTTP header"),
      z.string(),
    )
    .optional(),
  /** webhook. */
  body: z.string().min(1, "leave an empty body out").optional(),
  /** webhook: values for templates, by name, which nobody can read at the server. Secret. */
  secrets: withMeta(
    z.record(
      z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_-]*$/, "a secret's name has letters, digits, _ and -"),
      z.string(),
    ),
    { secret: true },
  ).optional(),
});

type Inputs = z.output<typeof notificationTargetInputs>;
type Own = Exclude<keyof Inputs, "name" | "type" | "comment" | "disable">;

const mail = ["mailto", "mailtoUser", "author"] as const;

/** What the types have beside a comment and a switch. */
export const targetVariants = {
  gotify: { needs: ["server", "token"], takes: [] },
  sendmail: { needs: [], takes: [...mail, "fromAddress"] },
  smtp: { needs: ["server", "fromAddress"], takes: [...mail, "mode", "port", "username", "password"] },
  webhook: { needs: ["url"], takes: ["method", "headers", "body", "secrets"] },
} as const satisfies Record<Inputs["type"], Variant<Own>>;

export const notificationTarget = configResource({
  token: "pbs:index:NotificationTarget",
  kind: "notification target",
  file: "notifications",
  inputs: notificationTargetInputs,
  identity: ["name", "type"],
  deleteBeforeReplace: sameNameOtherType,
  writeOnly: ["token", "password"],
  presumed: ["token"],
  secretOutputs: ["secrets"],
  serverDefaults: { mode: "tls", method: "post" },
  names: { headers: "header", secrets: "secret" },
  codecs: { body: base64Text, headers: namedValues, secrets: namedSecrets },
  checkTogether: (inputs) => [...variantFailures(targetVariants, inputs), ...mailFailures(inputs)],
  idOf: ({ type, name }) => `${type}/${name}`,
  createAt: ({ type, name }) => ({
    path: `/config/notifications/endpoints/${type}`,
    // The one default that the server does not assume by itself.
    parameters: { name, method: type === "webhook" ? "post" : undefined },
  }),
  itemPath: (id) => {
    const { type, name } = identityOf(id);
    return apiPath`/config/notifications/endpoints/${type}/${name}`;
  },
  identityOf,
});

function identityOf(id: string) {
  return typeAndName(targetTypes, id, "notification target");
}

function mailFailures(inputs: Inputs): Failure[] {
  const failures: Failure[] = [];
  const fail = (property: string, reason: string) => failures.push({ property, reason });
  const { type, server, mailto, mailtoUser, username, password } = inputs;
  if ((type === "smtp" || type === "sendmail") && !mailto && !mailtoUser) {
    fail("mailto", `${type} needs a recipient: set mailto, mailtoUser or both`);
  }
  if ((username === undefined) !== (password === undefined)) {
    fail("username", "username and password go together");
  }
  if (type === "smtp" && server !== undefined && !host.safeParse(server).success) {
    fail("server", "server is the name or the address of the mail server, without scheme and port");
  }
  if (type === "gotify" && server !== undefined && !httpUrl.safeParse(server).success) {
    fail("server", 'server is the URL of the Gotify server, for example "https://gotify.example.org"');
  }
  return failures;
}
