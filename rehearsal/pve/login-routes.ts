import { grantsOf } from "./access.ts";
import { changeAccess, userid, userOf } from "./access-change.ts";
import { ApiError } from "./errors.ts";
import { newPassword, parsed, text } from "./fields.ts";
import { realm } from "./formats.ts";
import { allPrivileges } from "./privileges.ts";
import { type Route, route } from "./route.ts";
import { nowSeconds, type Simulator } from "./simulator.ts";
import { createCsrfToken, createTicket, hashPassword, isPassword, verifyTicket } from "./tickets.ts";

/** Log-in, passwords and what the caller may do. */
export const loginRoutes: Route[] = [
  route({
    method: "POST",
    path: "/access/ticket",
    world: true,
    params: { username: text(64), password: text(), realm: parsed(realm, 32).optional() },
    run: (params, { sim }) => logIn(sim, params),
  }),
  route({
    method: "GET",
    path: "/access/permissions",
    params: { path: text().optional() },
    run: (params, { sim, caller }) => {
      const { access } = sim.store.state;
      const paths =
        params.path === undefined
          ? [...new Set(["/", ...grantsOf(access, caller.id).map(({ path }) => path)])]
          : [params.path];
      return Object.fromEntries(
        paths.map((path) => [
          path,
          Object.fromEntries(allPrivileges.filter((name) => caller.may(path, name)).map((name) => [name, 1])),
        ]),
      );
    },
  }),
  route({
    method: "PUT",
    path: "/access/password",
    params: { userid: userid(), password: newPassword() },
    permit: (caller, params) => {
      if (caller.id !== params.userid) caller.require("/access/groups", ["User.Modify"]);
    },
    run: (params, { sim }) =>
      changeAccess(sim, (access) => {
        userOf(access, params.userid).password = hashPassword(params.password);
      }),
  }),
];

function logIn(
  sim: Simulator,
  { username, password, realm }: { username: string; password: string; realm?: string | undefined },
): Record<string, unknown> {
  const user = username.includes("@") ? username : `${username}@${realm ?? "pam"}`;
  const now = nowSeconds(sim);
  if (!isRightPassword(sim, user, password, now)) throw new ApiError(401, "authentication failure");
  return {
    username: user,
    ticket: createTicket(sim.ticketKey, user, now),
    CSRFPreventionToken: createCsrfToken(sim.ticketKey, user, now),
  };
}

/** A ticket that is still good stands for the password: so it is renewed. */
function isRightPassword(sim: Simulator, user: string, password: string, now: number): boolean {
  if (password.startsWith("PVE:")) return verifyTicket(sim.ticketKey, password, now) === user;
  if (user === "root@pam")
    return sim.config.rootPassword !== undefined && sim.config.rootPassword === password;
  const known = sim.store.state.access.users[user];
  if (!known?.enable || (known.expire !== 0 && known.expire <= now)) return false;
  return known.password !== undefined && isPassword(known.password, password);
}
