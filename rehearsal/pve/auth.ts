import { createHash, timingSafeEqual } from "node:crypto";
import { type Access, type Grant, grantsOf, privilegesAt } from "./access.ts";
import type { SimulatorConfig } from "./config.ts";
import { ApiError, permissionError } from "./errors.ts";
import { checkCsrfToken, type TicketKey, verifyTicket } from "./tickets.ts";

type Token = SimulatorConfig["tokens"][number];

/** Who calls, and what they may do. */
export interface Caller {
  /** `user@realm` or `user@realm!tokenid`, as it stands in task ids. */
  id: string;
  /** `user@realm`, also of a token. */
  user: string;
  /** Whether it is root itself and not one of its tokens: some options are for it alone. */
  isRoot: boolean;
  /** Fails with 403 unless the caller has all (`any`: at least one) of the privileges on the path. */
  require(path: string, privileges: readonly string[], any?: boolean): void;
  /** The same as a question. */
  may(path: string, privilege: string): boolean;
}

/** What is needed to tell who calls. */
export interface AuthContext {
  readonly tokens: readonly Token[];
  readonly access: Access;
  readonly ticketKey: TicketKey;
  /** Pool of a guest, whose rules hold for the guest too. */
  poolOf(vmid: string): string | undefined;
  /** Unix time in seconds. */
  readonly now: number;
}

/** The parts of a request that say who calls. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly csrfToken?: string | undefined;
  readonly method: string;
}

/** Finds the caller of a request by its API token or its ticket; fails with 401. */
export function authenticate(context: AuthContext, given: Credentials): Caller {
  const token = /^PVEAPIToken=([^=]+)=(.+)$/.exec(given.authorization ?? "");
  if (token !== null) return byToken(context, token[1] ?? "", token[2] ?? "");
  const cookie = /(?:^|;\s*)PVEAuthCookie=([^;]+)/.exec(given.cookie ?? "")?.[1];
  if (cookie === undefined) throw new ApiError(401, "No ticket");
  const user = verifyTicket(context.ticketKey, decodeURIComponent(cookie), context.now);
  requireUser(context, user);
  // A browser sends the cookie by itself, so a write has to prove that a page of the product made it.
  if (given.method !== "GET") checkCsrfToken(context.ticketKey, user, given.csrfToken, context.now);
  return callerWith(context, user, user, user === "root@pam" ? undefined : [grantsOf(context.access, user)]);
}

function byToken(context: AuthContext, id: string, secret: string): Caller {
  const [user = "", name = ""] = id.split("!");
  const configured = context.tokens.find((candidate) => candidate.id === id);
  if (configured !== undefined) {
    if (!sameHash(hashOf(configured.secret), hashOf(secret))) throw new ApiError(401, "invalid token value!");
    return callerWith(context, id, user, [configured.acl]);
  }
  requireUser(context, user);
  const token = context.access.users[user]?.tokens[name];
  if (token === undefined) throw new ApiError(401, `no such token '${name}' for user '${user}'`);
  if (token.expire !== 0 && token.expire <= context.now) {
    throw new ApiError(401, `token '${name}' access expired`);
  }
  if (!sameHash(token.secretHash, hashOf(secret))) throw new ApiError(401, "invalid token value!");
  const users = user === "root@pam" ? [] : [grantsOf(context.access, user)];
  // With privilege separation both the token and its user need a right.
  const grants = token.privsep ? [...users, grantsOf(context.access, id)] : users;
  return callerWith(context, id, user, grants.length === 0 ? undefined : grants);
}

function requireUser({ access, now }: AuthContext, userid: string): void {
  if (userid === "root@pam") return;
  const user = access.users[userid];
  if (user === undefined) throw new ApiError(401, `no such user ('${userid}')`);
  if (!user.enable) throw new ApiError(401, `user '${userid}' is disabled`);
  if (user.expire !== 0 && user.expire <= now) throw new ApiError(401, `user '${userid}' access expired`);
}

/** A caller who has not said who they are. */
export const nobody: Caller = callerWith({ poolOf: () => undefined }, "", "", [[]]);

/** A caller with the rights of a configured token. */
export function callerOf(token: Pick<Token, "id" | "acl">): Caller {
  return callerWith({ poolOf: () => undefined }, token.id, token.id.split("!")[0] ?? "", [token.acl]);
}

/**
 * A caller that has a privilege where every list of rules gives it.
 *
 * @param rules undefined for one that may do all
 */
function callerWith(
  { poolOf }: Pick<AuthContext, "poolOf">,
  id: string,
  user: string,
  rules: readonly (readonly Grant[])[] | undefined,
): Caller {
  const may = (path: string, privilege: string): boolean => {
    const vmid = /^\/vms\/(\d+)$/.exec(path)?.[1];
    const pool = vmid === undefined ? undefined : poolOf(vmid);
    const paths = pool === undefined ? [path] : [path, `/pool/${pool}`];
    const gives = (grants: readonly Grant[]) =>
      paths.some((each) => {
        const privileges = privilegesAt(grants, each);
        return privileges.includes("all") || privileges.includes(privilege);
      });
    return rules?.every(gives) ?? true;
  };
  return {
    id,
    user,
    isRoot: id === "root@pam",
    may,
    require(path, privileges, any = false) {
      if (any) {
        if (!privileges.some((privilege) => may(path, privilege))) throw permissionError(path, privileges);
        return;
      }
      for (const privilege of privileges) if (!may(path, privilege)) throw permissionError(path, [privilege]);
    },
  };
}

/** SHA-256 of a token's secret. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function sameHash(expected: string, given: string): boolean {
  return timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}
