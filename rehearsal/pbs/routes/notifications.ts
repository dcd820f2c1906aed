import { parseSchedule } from "../calendar.ts";
import { ApiError } from "../errors.ts";
import { type Route, textOf } from "../route.ts";
import { builtinNotifications, type Section } from "../state.ts";
import { asText, comment, flag, listOf, text } from "../types.ts";
import { urlFault } from "./objects.ts";
import { type ObjectKind, objectRoutes } from "./sections.ts";

const entity = {
  type: "string",
  minLength: 2,
  maxLength: 32,
  pattern: /^[A-Za-z0-9_][A-Za-z0-9._-]*$/,
} as const;
const origin = {
  type: "string",
  enum: ["user-created", "builtin", "modified-builtin"],
  optional: true,
} as const;
const path = ["system", "notifications"];
const audit = { path, privilege: "Sys.Audit" } as const;
const modify = { path, privilege: "Sys.Modify" } as const;
const endpoints = ["gotify", "sendmail", "smtp", "webhook"] as const;
const required = { type: "string" } as const;
const common = { name: entity, comment, disable: flag, origin } as const;

type Kind = Pick<ObjectKind, "type" | "path" | "properties" | "deletable"> & Partial<ObjectKind>;

function entityRoutes(kind: Kind & { readonly type: string }): Route[] {
  const { normalize } = kind;
  const what = kind.type === "matcher" ? "matcher" : `${kind.type} endpoint`;
  return objectRoutes({
    file: "notifications",
    idName: "name",
    fixed: ["origin", "filter"],
    deletedBlindly: true,
    listPermission: audit,
    readPermission: audit,
    createPermission: modify,
    modifyPermission: modify,
    missing: (name) => new ApiError(404, `${what} '${name}' not found`),
    duplicate: (name) =>
      new ApiError(400, `Cannot create '${name}', an entity with the same name already exists`),
    builtin: builtinNotifications,
    ...kind,
    normalize(section, before) {
      const origin = before?.origin && before.origin !== "user-created" ? "modified-builtin" : "user-created";
      const named = { ...section, origin };
      return normalize ? normalize(named, before) : named;
    },
    requireUnused(state, name) {
      const users = Object.values(state.notifications).filter(
        (one) => Array.isArray(one.target) && one.target.includes(name),
      );
      if (users.length === 0) return;
      const names = users.map((one) => one.name).join(", ");
      throw new ApiError(400, `cannot delete '${name}', referenced by: ${names}`);
    },
  });
}

const mail = {
  mailto: listOf(asText({ type: "string", minLength: 2, maxLength: 64, pattern: /^[^\p{Cc}]*$/u })),
  "mailto-user": listOf(asText({ type: "string", minLength: 2, maxLength: 64, pattern: /^[^\p{Cc}]*$/u })),
  author: text,
} as const;

function requireRecipient(_server: unknown, section: Section): void {
  if (section.mailto !== undefined || section["mailto-user"] !== undefined) return;
  throw new ApiError(400, "must at least provide one recipient, either in mailto or in mailto-user");
}

const gotify = entityRoutes({
  type: "gotify",
  path: "/config/notifications/endpoints/gotify",
  properties: { ...common, server: required, token: required, filter: text },
  deletable: ["comment", "disable"],
  secrets: ["token"],
});

const sendmail = entityRoutes({
  type: "sendmail",
  path: "/config/notifications/endpoints/sendmail",
  properties: { ...common, ...mail, "from-address": text, filter: text },
  deletable: ["author", "comment", "disable", "from-address", "mailto", "mailto-user"],
  verify: requireRecipient,
});

const smtp = entityRoutes({
  type: "smtp",
  path: "/config/notifications/endpoints/smtp",
  properties: {
    ...common,
    ...mail,
    "from-address": required,
    mode: { type: "string", enum: ["insecure", "starttls", "tls"], optional: true },
    password: text,
    port: { type: "integer", minimum: 0, maximum: 65_535, optional: true },
    server: required,
    username: text,
  },
  deletable: ["author", "comment", "disable", "mailto", "mailto-user", "password", "port", "username"],
  secrets: ["password"],
  verify: requireRecipient,
});

const webhook = entityRoutes({
  type: "webhook",
  path: "/config/notifications/endpoints/webhook",
  properties: {
    ...common,
    url: { type: "string", verify: urlFault },
    method: { type: "string", enum: ["post", "put", "get"] },
    header: listOf(namedFault),
    secret: listOf(namedFault),
    body: text,
  },
  deletable: ["comment", "disable", "header", "body", "secret"],
  // A secret that comes without its value keeps the one it has.
  normalize: (section, before) =>
    Array.isArray(section.secret)
      ? {
          ...section,
          secret: section.secret.map((one) => (secretValueOf(one) === undefined ? known(one, before) : one)),
        }
      : section,
  show: (section) =>
    Array.isArray(section.secret)
      ? { ...section, secret: section.secret.map((one) => `name=${nameOf(one)}`) }
      : section,
});

function nameOf(item: string): string | undefined {
  return /(?:^|,)name=([^,]*)/.exec(item)?.[1];
}

function secretValueOf(item: string): string | undefined {
  return /(?:^|,)value=([^,]*)/.exec(item)?.[1];
}

function known(item: string, before: Section | undefined): string {
  const list = Array.isArray(before?.secret) ? before.secret : [];
  const found = list.find((one) => nameOf(one) === nameOf(item));
  if (found === undefined) throw new ApiError(400, `no such secret '${nameOf(item)}'`);
  return found;
}

/** `name=<name>,value=<base64>` */
function namedFault(item: string): string | undefined {
  if (!nameOf(item)) return "missing property 'name'";
  const value = secretValueOf(item);
  return value === undefined || /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? undefined : "value is not base64";
}

const matcherProperties = {
  ...common,
  mode: { type: "string", enum: ["all", "any"], optional: true },
  "invert-match": flag,
  "match-field": listOf((item) =>
    /^exact:[^=]+=.+$/.test(item) || isRegex(/^regex:[^=]+=(.+)$/.exec(item)?.[1])
      ? undefined
      : `invalid match-field statement: ${item}`,
  ),
  "match-severity": listOf((item) =>
    item.split(",").every((one) => ["info", "notice", "warning", "error", "unknown"].includes(one))
      ? undefined
      : `invalid severity ${item}`,
  ),
  "match-calendar": listOf((item) =>
    /^\S+( \S+)?$/.test(item) && (item.includes("-") || parseSchedule(item))
      ? undefined
      : `invalid match-calendar statement: ${item}`,
  ),
  target: listOf(asText(entity)),
} as const;

const matchers = entityRoutes({
  type: "matcher",
  path: "/config/notifications/matchers",
  properties: matcherProperties,
  deletable: Object.keys(matcherProperties).filter((name) => !["name", "origin"].includes(name)),
  verify(server, section) {
    for (const target of Array.isArray(section.target) ? section.target : []) {
      const type = server.store.state.notifications[target]?.["section-type"];
      if (type === undefined || type === "matcher")
        throw new ApiError(404, `endpoint '${target}' does not exist`);
    }
  },
});

function isRegex(source: string | undefined): boolean {
  if (source === undefined) return false;
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

const targets: readonly Route[] = [
  {
    method: "GET",
    path: "/config/notifications/targets",
    parameters: {},
    permission: audit,
    run: (server) => ({
      data: Object.values(server.store.state.notifications)
        .filter((one) => endpoints.some((type) => type === one["section-type"]))
        .map(({ name, origin, comment, disable, "section-type": type }) => ({
          name,
          type,
          origin,
          comment,
          disable,
        })),
      digest: server.store.digest("notifications"),
    }),
  },
  {
    method: "POST",
    path: "/config/notifications/targets/{name}/test",
    parameters: { name: entity },
    permission: modify,
    run(server, values) {
      const name = textOf(values, "name");
      const type = server.store.state.notifications[name]?.["section-type"];
      if (type === undefined || type === "matcher") throw new ApiError(404, `target '${name}' not found`);
      return { data: null };
    },
  },
];

/** To whom the server tells what, and what decides it. Nothing is sent. */
export const notifications: readonly Route[] = [
  ...gotify,
  ...sendmail,
  ...smtp,
  ...webhook,
  ...matchers,
  ...targets,
];
