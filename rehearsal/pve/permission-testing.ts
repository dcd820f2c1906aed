import { readFile } from "node:fs/promises";
import type { Grant } from "./access.ts";
import { callerOf } from "./auth.ts";
import { apiRoutes } from "./server.ts";
import type { ObservedCall, Simulator } from "./simulator.ts";

/** What a token with these rights is refused of calls that were made, one refusal a line. */
export function refusalsOf(
  sim: Simulator,
  calls: readonly ObservedCall[],
  token: { readonly id: string; readonly acl: readonly Grant[] },
): string {
  const caller = callerOf({
    id: token.id,
    acl: token.acl.map((rule) => ({ ...rule, privileges: [...rule.privileges] })),
  });
  const refusals = calls.flatMap(({ method, path, params }) => {
    try {
      apiRoutes.find((each) => each.method === method && each.path === path)?.permit({ sim, caller }, params);
      return [];
    } catch (error) {
      return [String(error)];
    }
  });
  return refusals.join("\n");
}

/** The rights that a user gets by the `pveum` lines of a page. */
export async function rightsInPage(page: URL, user: string): Promise<Grant[]> {
  const text = await readFile(page, "utf8");
  const roles = new Map(
    [...text.matchAll(/^pveum role add (\S+) --privs "([^"]+)"$/gm)].map(([, role, privileges = ""]) => [
      role,
      privileges.split(" "),
    ]),
  );
  return [...text.matchAll(/^pveum acl modify (\S+) --users (\S+) --roles (\S+)$/gm)]
    .filter(([, , whose]) => whose === user)
    .map(([, path = "", , role]) => ({ path, privileges: roles.get(role) ?? [], propagate: true }));
}
