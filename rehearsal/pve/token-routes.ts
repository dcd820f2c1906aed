import { randomUUID } from "node:crypto";
import type { Access } from "./access.ts";
import { changeAccess, given, tokenList, userid, userOf } from "./access-change.ts";
import { type Caller, hashOf } from "./auth.ts";
import { failure, parameterError } from "./errors.ts";
import { boolean, integer, pattern, text } from "./fields.ts";
import { type Route, route } from "./route.ts";

const tokenid = () => pattern(/^[A-Za-z][A-Za-z0-9._-]+$/);
const tokenOptions = {
  comment: text().optional(),
  expire: integer(0).optional(),
  privsep: boolean().optional(),
};
const ownToken = (caller: Caller, params: { userid: string }) => {
  if (caller.user !== params.userid) caller.require("/access/groups", ["User.Modify"]);
};

/** API tokens of users. */
export const tokenRoutes: Route[] = [
  route({
    method: "GET",
    path: "/access/users/{userid}/token",
    params: { userid: userid() },
    permit: ownToken,
    run: (params, { sim }) => tokenList(userOf(sim.store.state.access, params.userid)),
  }),
  route({
    method: "GET",
    path: "/access/users/{userid}/token/{tokenid}",
    params: { userid: userid(), tokenid: tokenid() },
    permit: ownToken,
    run: (params, { sim }) => {
      const { tokenid: _, ...shown } = tokenOf(sim.store.state.access, params);
      return shown;
    },
  }),
  route({
    method: "POST",
    path: "/access/users/{userid}/token/{tokenid}",
    params: { userid: userid(), tokenid: tokenid(), ...tokenOptions },
    permit: ownToken,
    run: async ({ userid: id, tokenid: name, ...options }, { sim }) => {
      const value = randomUUID();
      const token = { privsep: options.privsep ?? true, expire: options.expire ?? 0 };
      await changeAccess(sim, (access) => {
        const user = userOf(access, id);
        if (user.tokens[name]) throw parameterError({ tokenid: "Token already exists." });
        user.tokens[name] = { ...token, ...given({ comment: options.comment }), secretHash: hashOf(value) };
      });
      const info = {
        ...given({ comment: options.comment }),
        privsep: token.privsep ? 1 : 0,
        expire: token.expire,
      };
      return { "full-tokenid": `${id}!${name}`, info, value };
    },
  }),
  route({
    method: "PUT",
    path: "/access/users/{userid}/token/{tokenid}",
    params: { userid: userid(), tokenid: tokenid(), ...tokenOptions },
    permit: ownToken,
    run: async ({ userid: id, tokenid: name, ...options }, { sim }) => {
      const which = { userid: id, tokenid: name };
      await changeAccess(sim, (access) => {
        tokenOf(access, which);
        Object.assign(userOf(access, id).tokens[name] ?? {}, given(options));
      });
      const { tokenid: _, ...shown } = tokenOf(sim.store.state.access, which);
      return shown;
    },
  }),
  route({
    method: "DELETE",
    path: "/access/users/{userid}/token/{tokenid}",
    params: { userid: userid(), tokenid: tokenid() },
    permit: ownToken,
    run: (params, { sim }) =>
      changeAccess(sim, (access) => {
        tokenOf(access, params);
        delete access.users[params.userid]?.tokens[params.tokenid];
        access.acl = access.acl.filter((entry) => entry.ugid !== `${params.userid}!${params.tokenid}`);
      }),
  }),
];

function tokenOf(access: Access, { userid: id, tokenid: name }: { userid: string; tokenid: string }) {
  const token = tokenList(userOf(access, id)).find((each) => each.tokenid === name);
  if (token === undefined) throw failure(`no such token '${name}' for user '${id}'`);
  return token;
}
