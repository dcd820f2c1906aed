import { type Access, rolePrivileges } from "./access.ts";
import { changeAccess } from "./access-change.ts";
import { failure, parameterError } from "./errors.ts";
import { boolean, parsed, pattern, splitList } from "./fields.ts";
import { listOf, roleName, tokenName, userName } from "./formats.ts";
import { allPrivileges, builtinRoles } from "./privileges.ts";
import { type Route, route } from "./route.ts";

const roleid = () => parsed(roleName);
const privs = () =>
  parsed((value) => {
    for (const name of splitList(value))
      if (!allPrivileges.includes(name)) throw new Error(`invalid privilege '${name}'`);
  });

/** Roles, and the rules that give them to users and tokens. */
export const roleRoutes: Route[] = [
  route({
    method: "GET",
    path: "/access/roles",
    params: {},
    run: (_, { sim }) => [
      ...Object.entries(builtinRoles).map(([id, names]) => ({
        roleid: id,
        privs: names.join(","),
        special: 1,
      })),
      ...Object.entries(sim.store.state.access.roles).map(([id, names]) => ({
        roleid: id,
        privs: names.join(","),
      })),
    ],
  }),
  route({
    method: "POST",
    path: "/access/roles",
    params: { roleid: roleid(), privs: privs().optional() },
    permit: (caller) => caller.require("/access", ["Sys.Modify"]),
    run: (params, { sim }) =>
      changeAccess(sim, (access) => {
        if (builtinRoles[params.roleid] ?? access.roles[params.roleid]) {
          throw failure(`create role failed: role '${params.roleid}' already exists`);
        }
        access.roles[params.roleid] = splitList(params.privs);
      }),
  }),
  route({
    method: "GET",
    path: "/access/roles/{roleid}",
    params: { roleid: roleid() },
    run: (params, { sim }) =>
      Object.fromEntries(rolePrivileges(sim.store.state.access, params.roleid).map((name) => [name, 1])),
  }),
  route({
    method: "PUT",
    path: "/access/roles/{roleid}",
    params: { roleid: roleid(), privs: privs().optional(), append: boolean().optional() },
    permit: (caller) => caller.require("/access", ["Sys.Modify"]),
    run: (params, { sim }) =>
      changeAccess(sim, (access) => {
        const before = ownRole(access, params.roleid, "update");
        const kept = params.append === true ? before : [];
        access.roles[params.roleid] = [...new Set([...kept, ...splitList(params.privs)])];
      }),
  }),
  route({
    method: "DELETE",
    path: "/access/roles/{roleid}",
    params: { roleid: roleid() },
    permit: (caller) => caller.require("/access", ["Sys.Modify"]),
    run: (params, { sim }) =>
      changeAccess(sim, (access) => {
        ownRole(access, params.roleid, "delete");
        delete access.roles[params.roleid];
        access.acl = access.acl.filter((entry) => entry.roleid !== params.roleid);
      }),
  }),
  route({
    method: "GET",
    path: "/access/acl",
    params: {},
    run: (_, { sim, caller }) =>
      sim.store.state.access.acl
        .filter((entry) => caller.may("/access", "Sys.Audit") || entry.ugid.split("!")[0] === caller.user)
        .map((entry) => ({ ...entry, propagate: entry.propagate ? 1 : 0 })),
  }),
  route({
    method: "PUT",
    path: "/access/acl",
    params: {
      path: pattern(/^\/\S*$/),
      roles: parsed(listOf(roleName)),
      users: parsed(listOf(userName)).optional(),
      tokens: parsed(listOf(tokenName)).optional(),
      propagate: boolean().optional(),
      delete: boolean().optional(),
    },
    permit: (caller, params) => caller.require(params.path, ["Permissions.Modify"]),
    run: ({ path, roles, users, tokens, propagate, delete: isRemoved }, { sim }) =>
      changeAccess(sim, (access) => {
        const whom = [
          ...splitList(users).map((ugid) => ({ type: "user" as const, ugid })),
          ...splitList(tokens).map((ugid) => ({ type: "token" as const, ugid })),
        ];
        if (whom.length === 0) throw parameterError({ users: "property is missing and it is not optional" });
        for (const { type, ugid } of whom) {
          const [user = "", name] = ugid.split("!");
          if (user !== "root@pam" && !access.users[user]) throw failure(`user '${user}' does not exist`);
          if (name !== undefined && !access.users[user]?.tokens[name])
            throw failure(`token '${ugid}' does not exist`);
          for (const role of splitList(roles)) {
            rolePrivileges(access, role);
            access.acl = access.acl.filter(
              (entry) => entry.path !== path || entry.ugid !== ugid || entry.roleid !== role,
            );
            if (isRemoved !== true)
              access.acl.push({ path, type, ugid, roleid: role, propagate: propagate ?? true });
          }
        }
      }),
  }),
];

function ownRole(access: Access, roleid: string, action: string): readonly string[] {
  if (builtinRoles[roleid]) throw failure(`auto-generated role '${roleid}' cannot be modified`);
  const privileges = access.roles[roleid];
  if (privileges === undefined) throw failure(`${action} role failed: role '${roleid}' does not exist`);
  return privileges;
}
