import { z } from "zod";
import { failure } from "./errors.ts";
import { builtinRoles } from "./privileges.ts";

const tokenSchema = z.object({
  /** SHA-256 of the secret: it is random, so nothing slower is needed. */
  secretHash: z.string(),
  /** Whether it has rights of its own only. */
  privsep: z.boolean(),
  /** Unix time in seconds; 0 never ends. */
  expire: z.number(),
  comment: z.string().optional(),
});

const userSchema = z.object({
  enable: z.boolean(),
  expire: z.number(),
  /** Salt and scrypt hash; missing where the user cannot log in. */
  password: z.string().optional(),
  comment: z.string().optional(),
  email: z.string().optional(),
  firstname: z.string().optional(),
  lastname: z.string().optional(),
  tokens: z.record(z.string(), tokenSchema),
});

const aclSchema = z.object({
  path: z.string(),
  type: z.enum(["user", "token"]),
  /** Whom it is for: `user@realm` or `user@realm!token`. */
  ugid: z.string(),
  roleid: z.string(),
  propagate: z.boolean(),
});

/** Users, roles and access rules of a cluster. `root@pam` is always there and may do all. */
export const accessSchema = z.object({
  users: z.record(z.string(), userSchema),
  roles: z.record(z.string(), z.array(z.string())),
  acl: z.array(aclSchema),
});

export type Access = z.infer<typeof accessSchema>;
export type User = z.infer<typeof userSchema>;

/** What a rule grants: where, what, and whether below that too. */
export interface Grant {
  readonly path: string;
  readonly privileges: readonly string[];
  readonly propagate: boolean;
}

/** The access of a cluster that nobody has changed yet. */
export const noAccess: Access = { users: {}, roles: {}, acl: [] };

/** Privileges of a role; fails as the product does for one that is not there. */
export function rolePrivileges(access: Access, roleid: string): readonly string[] {
  const privileges = builtinRoles[roleid] ?? access.roles[roleid];
  if (privileges === undefined) throw failure(`role '${roleid}' does not exist`);
  return privileges;
}

/** Rules for one user or token, with their roles resolved. */
export function grantsOf(access: Access, ugid: string): Grant[] {
  return access.acl
    .filter((entry) => entry.ugid === ugid)
    .map(({ path, roleid, propagate }) => ({
      path,
      propagate,
      privileges: rolePrivileges(access, roleid),
    }));
}

/** The rule nearest to the path decides, as in the product: it replaces what is inherited from above. */
export function privilegesAt(grants: readonly Grant[], path: string): readonly string[] {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/")) || "/") {
    const nearest = grants.filter((grant) => grant.path === at && (at === path || grant.propagate));
    if (nearest.length > 0) return nearest.flatMap((grant) => grant.privileges);
    if (at === "/") return [];
  }
}
