import {
  changeAccess,
  given,
  requireNewUser,
  shownUser,
  tokenList,
  userid,
  userOf,
} from "./access-change.ts";
import { boolean, integer, newPassword, parsed, text } from "./fields.ts";
import { email } from "./formats.ts";
import { type Route, route } from "./route.ts";
import { hashPassword } from "./tickets.ts";

const profile = {
  comment: text(2048).optional(),
  email: parsed(email, 254).optional(),
  enable: boolean().optional(),
  expire: integer(0).optional(),
  firstname: text(1024).optional(),
  lastname: text(1024).optional(),
};

/** Users. */
export const userRoutes: Route[] = [
  route({
    method: "GET",
    path: "/access/users",
    params: { enabled: boolean().optional(), full: boolean().optional() },
    run: (params, { sim, caller }) => {
      const root: Record<string, unknown> = { userid: "root@pam", enable: 1, expire: 0 };
      const { "root@pam": _, ...users } = sim.store.state.access.users;
      const all = Object.entries(users).map(
        ([id, user]): Record<string, unknown> => ({ userid: id, ...shownUser(user) }),
      );
      return [root, ...all].filter(
        (user) =>
          (params.enabled === undefined || params.enabled === (user.enable === 1)) &&
          (user.userid === caller.user ||
            caller.may("/access/groups", "User.Modify") ||
            caller.may("/access/groups", "Sys.Audit")),
      );
    },
  }),
  route({
    method: "POST",
    path: "/access/users",
    params: { userid: userid(), password: newPassword().optional(), ...profile },
    permit: (caller, params) => {
      caller.require(`/access/realm/${params.userid.split("@")[1]}`, ["Realm.AllocateUser"]);
      caller.require("/access/groups", ["User.Modify"]);
    },
    run: ({ userid: id, password, enable, expire, ...rest }, { sim }) =>
      changeAccess(sim, (access) => {
        requireNewUser(access, id);
        access.users[id] = {
          ...given(rest),
          enable: enable ?? true,
          expire: expire ?? 0,
          tokens: {},
          ...(password === undefined ? {} : { password: hashPassword(password) }),
        };
      }),
  }),
  route({
    method: "GET",
    path: "/access/users/{userid}",
    params: { userid: userid() },
    permit: (caller) => caller.require("/access/groups", ["User.Modify", "Sys.Audit"], true),
    run: (params, { sim }) => {
      const user = userOf(sim.store.state.access, params.userid);
      return {
        ...shownUser(user),
        groups: [],
        tokens: Object.fromEntries(tokenList(user).map(({ tokenid: name, ...rest }) => [name, rest])),
      };
    },
  }),
  route({
    method: "PUT",
    path: "/access/users/{userid}",
    params: { userid: userid(), ...profile },
    permit: (caller) => caller.require("/access/groups", ["User.Modify"]),
    run: ({ userid: id, ...rest }, { sim }) =>
      changeAccess(sim, (access) => {
        Object.assign(userOf(access, id), given(rest));
      }),
  }),
  route({
    method: "DELETE",
    path: "/access/users/{userid}",
    params: { userid: userid() },
    permit: (caller, params) => {
      caller.require(`/access/realm/${params.userid.split("@")[1]}`, ["Realm.AllocateUser"]);
      caller.require("/access/groups", ["User.Modify"]);
    },
    run: ({ userid: id }, { sim }) =>
      changeAccess(sim, (access) => {
        userOf(access, id);
        delete access.users[id];
        access.acl = access.acl.filter((entry) => entry.ugid !== id && !entry.ugid.startsWith(`${id}!`));
      }),
  }),
];
