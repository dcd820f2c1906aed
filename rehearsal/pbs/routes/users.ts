import { randomUUID } from "node:crypto";
import { ApiError } from "../errors.ts";
import type { Values } from "../parameters.ts";
import { userOf } from "../permissions.ts";
import { pick, type Route, type Server, textOf } from "../route.ts";
import { hashSecret, type Section, type State } from "../state.ts";
import {
  comment,
  digest,
  expire,
  flag,
  optional,
  password,
  personName,
  tokenName,
  userId,
} from "../types.ts";
import { withoutProperties } from "./sections.ts";

const person = { email: personName, firstname: personName, lastname: personName };
const account = { comment, enable: flag, expire };
const audit = { path: ["access", "users"], privilege: "Sys.Audit", orSelf: "userid" } as const;
const modify = { path: ["access", "users"], privilege: "Permissions.Modify", orSelf: "userid" } as const;
const realms = ["pam", "pbs"];

/** Users and their API tokens. */
export const users: readonly Route[] = [
  {
    method: "GET",
    path: "/access/users",
    parameters: { include_tokens: flag },
    run(server, values, caller) {
      const { users, tokens } = server.store.state.user;
      const all = server.access.has(caller, ["access", "users"], ["Sys.Audit"]);
      const visible = Object.values(users).filter((user) => all || user.userid === userOf(caller));
      const tokensOf = (user: Section) =>
        Object.values(tokens).filter((token) => userOf(textOf(token, "tokenid")) === user.userid);
      return {
        data: visible.map((user) => ({
          ...user,
          ...(values.include_tokens === true ? { tokens: tokensOf(user) } : {}),
        })),
        digest: server.store.digest("user"),
      };
    },
  },
  {
    method: "POST",
    path: "/access/users",
    parameters: { userid: userId, ...account, ...person, password: optional(password) },
    permission: { path: ["access", "users"], privilege: "Permissions.Modify" },
    async run(server, values) {
      const name = textOf(values, "userid");
      const realm = name.split("@").at(-1) ?? "";
      if (!realms.includes(realm)) throw new ApiError(400, `unknown realm '${realm}'`);
      await server.store.change("user", undefined, (state) => {
        if (state.user.users[name]) throw new ApiError(400, `user '${name}' already exists.`);
        state.user.users[name] = section(pick(values, ["userid", ...Object.keys({ ...account, ...person })]));
        if (values.password !== undefined) state.secrets[name] = hashSecret(textOf(values, "password"));
      });
      return { data: null };
    },
  },
  {
    method: "GET",
    path: "/access/users/{userid}",
    parameters: { userid: userId },
    permission: audit,
    run: (server, values) => ({ data: findUser(server, values), digest: server.store.digest("user") }),
  },
  {
    method: "PUT",
    path: "/access/users/{userid}",
    parameters: {
      userid: userId,
      ...account,
      ...person,
      // The product reads this and ignores it.
      password: { ...password, minLength: 1, maxLength: 1024, optional: true },
      delete: { type: "array", enum: ["comment", "firstname", "lastname", "email"], optional: true },
      digest,
    },
    permission: modify,
    async run(server, values) {
      findUser(server, values);
      await server.store.change("user", values.digest, (state) => {
        const name = textOf(values, "userid");
        state.user.users[name] = section({
          ...withoutProperties(state.user.users[name] ?? {}, values.delete),
          ...pick(values, Object.keys({ ...account, ...person })),
        });
      });
      return { data: null };
    },
  },
  {
    method: "DELETE",
    path: "/access/users/{userid}",
    parameters: { userid: userId, digest },
    permission: modify,
    async run(server, values) {
      const name = textOf(values, "userid");
      if (!server.store.state.user.users[name]) throw new ApiError(400, `user '${name}' does not exist.`);
      await server.store.change("user", values.digest, (state) => {
        delete state.user.users[name];
        delete state.secrets[name];
        for (const token of Object.keys(state.user.tokens)) {
          if (userOf(token) === name) forgetToken(state, token);
        }
        state.acl = state.acl.filter((entry) => entry.ugid !== name);
      });
      return { data: null };
    },
  },
  {
    method: "GET",
    path: "/access/users/{userid}/token",
    parameters: { userid: userId },
    permission: audit,
    run: (server, values) => ({
      data: Object.values(server.store.state.user.tokens)
        .filter((token) => userOf(textOf(token, "tokenid")) === values.userid)
        .map((token) => ({ ...token, "token-name": textOf(token, "tokenid").split("!")[1] })),
      digest: server.store.digest("user"),
    }),
  },
  {
    method: "GET",
    path: "/access/users/{userid}/token/{token-name}",
    parameters: { userid: userId, "token-name": tokenName },
    permission: audit,
    run(server, values) {
      const token = server.store.state.user.tokens[tokenIdOf(values)];
      if (!token) throw new ApiError(400, `no such token '${tokenIdOf(values)}'`);
      return { data: token, digest: server.store.digest("user") };
    },
  },
  {
    method: "POST",
    path: "/access/users/{userid}/token/{token-name}",
    parameters: { userid: userId, "token-name": tokenName, ...account, digest },
    permission: modify,
    async run(server, values) {
      const tokenid = tokenIdOf(values);
      const value = randomUUID();
      findUser(server, values);
      await server.store.change("user", values.digest, (state) => {
        if (state.user.tokens[tokenid]) {
          throw new ApiError(
            400,
            `token '${values["token-name"]}' for user '${values.userid}' already exists.`,
          );
        }
        state.user.tokens[tokenid] = section({ tokenid, ...pick(values, Object.keys(account)) });
        state.secrets[tokenid] = hashSecret(value);
      });
      return { data: { tokenid, value } };
    },
  },
  {
    method: "PUT",
    path: "/access/users/{userid}/token/{token-name}",
    parameters: {
      userid: userId,
      "token-name": tokenName,
      ...account,
      regenerate: flag,
      delete: { type: "array", enum: ["comment"], optional: true },
      digest,
    },
    permission: modify,
    async run(server, values) {
      const tokenid = tokenIdOf(values);
      const secret = values.regenerate === true ? randomUUID() : undefined;
      await server.store.change("user", values.digest, (state) => {
        const token = state.user.tokens[tokenid];
        if (!token) throw new ApiError(400, `no such token '${tokenid}'`);
        state.user.tokens[tokenid] = section({
          ...withoutProperties(token, values.delete),
          ...pick(values, Object.keys(account)),
        });
        if (secret) state.secrets[tokenid] = hashSecret(secret);
      });
      return { data: secret ? { secret } : {} };
    },
  },
  {
    method: "DELETE",
    path: "/access/users/{userid}/token/{token-name}",
    parameters: { userid: userId, "token-name": tokenName, digest },
    permission: modify,
    async run(server, values) {
      const tokenid = tokenIdOf(values);
      await server.store.change("user", values.digest, (state) => {
        if (!state.user.tokens[tokenid]) {
          throw new ApiError(
            400,
            `token '${values["token-name"]}' of user '${values.userid}' does not exist.`,
          );
        }
        forgetToken(state, tokenid);
      });
      return { data: null };
    },
  },
];

/** @throws ApiError */
export function findUser(server: Server, values: Values): Section {
  const user = server.store.state.user.users[textOf(values, "userid")];
  if (!user) throw new ApiError(400, `no such user '${values.userid}'`);
  return user;
}

function tokenIdOf(values: Values): string {
  return `${values.userid}!${values["token-name"]}`;
}

function forgetToken(state: State, tokenid: string): void {
  delete state.user.tokens[tokenid];
  delete state.secrets[tokenid];
  state.acl = state.acl.filter((entry) => entry.ugid !== tokenid);
}

/** The product writes neither an empty comment down, nor that an account is enabled or never expires. */
function section(values: Section): Section {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) =>
        !(name === "enable" && value === true) && !(name === "expire" && value === 0) && value !== "",
    ),
  );
}
