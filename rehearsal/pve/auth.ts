import { createHash, timingSafeEqual } from "node:crypto";
import type { SimulatorConfig } from "./config.ts";
import { ApiError, permissionError } from "./errors.ts";

type Token = SimulatorConfig["tokens"][number];

/** Who calls, and what they may do. */
export interface Caller {
  /** user@realm!tokenid, as it stands in task ids. */
  id: string;
  /** Fails with 403 unless the caller has all (`any`: at least one) of the privileges on the path. */
  require(path: string, privileges: readonly string[], any?: boolean): void;
  /** The same as a question. */
  may(path: string, privilege: string): boolean;
}

/** Finds the caller of a request by its Authorization header; fails with 401. */
export function authenticate(tokens: readonly Token[], header: string | undefined): Caller {
  if (header === undefined) throw new ApiError(401, "No ticket");
  const match = /^PVEAPIToken=([^=]+)=(.+)$/.exec(header);
  if (match === null) throw new ApiError(401, "No ticket");
  const [, id = "", secret = ""] = match;
  const token = tokens.find((candidate) => candidate.id === id);
  if (token === undefined) throw new ApiError(401, `no such token '${id}'`);
  if (!sameSecret(token.secret, secret)) throw new ApiError(401, "invalid token value!");
  return callerOf(token);
}

/** A caller with the rights of a token. */
export function callerOf(token: Pick<Token, "id" | "acl">): Caller {
  const may = (path: string, privilege: string): boolean => {
    const privileges = effectivePrivileges(token.acl, path);
    return privileges.includes("all") || privileges.includes(privilege);
  };
  return {
    id: token.id,
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

/** The entry nearest to the path decides, as in the product: it replaces what is inherited from above. */
function effectivePrivileges(acl: Token["acl"], path: string): string[] {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/")) || "/") {
    const entries = acl.filter((entry) => entry.path === at && (at === path || entry.propagate));
    if (entries.length > 0) return entries.flatMap((entry) => entry.privileges);
    if (at === "/") return [];
  }
}

function sameSecret(expected: string, given: string): boolean {
  const hash = (value: string) => createHash("sha256").update(value).digest();
  return timingSafeEqual(hash(expected), hash(given));
}
