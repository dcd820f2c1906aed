import { ApiError } from "../errors.ts";
import { type Privilege, privileges, roles, userOf } from "../permissions.ts";
import { type Route, type Server, textOf } from "../route.ts";
import { aclPath, authId, digest, flag, optional } from "../types.ts";

/** Permissions. */
export const acl: readonly Route[] = [
  {
    method: "GET",
    path: "/access/roles",
    parameters: {},
    run: () => ({ data: Object.entries(roles).map(([roleid, privs]) => ({ roleid, privs })) }),
  },
  {
    method: "GET",
    path: "/access/acl",
    parameters: { path: optional(aclPath), exact: flag },
    run(server, values, caller) {
      const all = server.access.has(caller, ["access", "acl"], ["Sys.Audit"]);
      const base = values.path === undefined || values.path === "/" ? "" : textOf(values, "path");
      const entries = server.store.state.acl.filter(
        (entry) =>
          (all || (entry.ugid.includes("!") && userOf(entry.ugid) === caller)) &&
          (values.exact === true
            ? entry.path === (base || "/")
            : entry.path === base || entry.path.startsWith(`${base}/`)),
      );
      return { data: entries, digest: server.store.digest("acl") };
    },
  },
  {
    method: "PUT",
    path: "/access/acl",
    parameters: {
      path: aclPath,
      role: { type: "string", enum: Object.keys(roles) },
      "auth-id": optional(authId),
      group: { type: "string", minLength: 3, maxLength: 64, pattern: /^[^\s:/\p{Cc}]+$/u, optional: true },
      propagate: flag,
      delete: flag,
      digest,
    },
    async run(server, values, caller) {
      const ugid = values["auth-id"] === undefined ? undefined : textOf(values, "auth-id");
      requireRight(server, caller, ugid);
      if (values.group !== undefined) {
        throw new ApiError(400, "parameter 'group' - groups are currently not supported.");
      }
      if (ugid === undefined) throw new ApiError(400, "missing 'auth-id' or 'group' parameter.");
      const remove = values.delete === true;
      const [path, roleid] = [textOf(values, "path"), textOf(values, "role")];
      if (!remove) {
        if (!server.access.exists(ugid)) {
          throw new ApiError(400, ugid.includes("!") ? "no such API token." : "no such user.");
        }
        if (!isAclPath(path)) throw new ApiError(400, `invalid acl path '${path}'.`);
      }
      await server.store.change("acl", values.digest, (state) => {
        state.acl = state.acl.filter(
          (entry) => !(entry.path === path && entry.ugid === ugid && entry.roleid === roleid),
        );
        if (!remove) {
          state.acl.push({ path, ugid, ugid_type: "user", roleid, propagate: values.propagate !== false });
        }
      });
      return { data: null };
    },
  },
  {
    method: "GET",
    path: "/access/permissions",
    parameters: { "auth-id": optional(authId), path: optional(aclPath) },
    run(server, values, caller) {
      const who = values["auth-id"] === undefined ? caller : textOf(values, "auth-id");
      const mayAsk =
        who === caller ||
        server.access.has(caller, ["access"], ["Sys.Audit"]) ||
        (!caller.includes("!") && userOf(who) === caller);
      if (!mayAsk) throw new ApiError(400, `not allowed to list permissions of ${who}`);
      const defaults = ["/", "/access", "/datastore", "/remote", "/system"];
      const paths =
        values.path === undefined
          ? [...new Set([...defaults, ...server.store.state.acl.map((entry) => entry.path)])]
          : [textOf(values, "path")];
      const shown = paths
        .map((path) => [path, server.access.privileges(who, components(path))] as const)
        .filter(([, held]) => held.size > 0);
      return { data: Object.fromEntries(shown.map(([path, held]) => [path, inOrder(held)])) };
    },
  },
];

function requireRight(server: Server, caller: string, ugid: string | undefined): void {
  if (server.access.has(caller, ["access", "acl"], ["Permissions.Modify"])) return;
  if (caller.includes("!")) throw new ApiError(400, "Unprivileged API tokens can't set ACL items.");
  if (ugid === undefined) {
    throw new ApiError(400, "Unprivileged user needs to provide auth_id to update ACL item.");
  }
  if (userOf(ugid) !== caller || !ugid.includes("!")) {
    throw new ApiError(400, "Unprivileged users can only set ACL items for their own API tokens.");
  }
}

function inOrder(held: ReadonlyMap<Privilege, boolean>): Record<string, boolean> {
  return Object.fromEntries(
    privileges.flatMap((name) => (held.has(name) ? [[name, held.get(name) === true] as const] : [])),
  );
}

function components(path: string): string[] {
  return path.split("/").filter(Boolean);
}

function isAclPath(path: string): boolean {
  const [first, second, ...rest] = components(path);
  switch (first) {
    case undefined:
    case "datastore":
      return true;
    case "access":
      return second === undefined || (["acl", "users", "domains"].includes(second) && rest.length === 0);
    case "remote":
    case "tape":
      return rest.length <= 2;
    case "system":
      return (
        second === undefined ||
        [
          "certificates",
          "disks",
          "log",
          "network",
          "notifications",
          "services",
          "status",
          "tasks",
          "time",
          "s3-endpoint",
        ].includes(second)
      );
    default:
      return false;
  }
}
