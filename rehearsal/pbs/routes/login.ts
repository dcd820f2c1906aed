import { ApiError } from "../errors.ts";
import { type Route, textOf } from "../route.ts";
import { hashSecret } from "../state.ts";
import { password, text, userId } from "../types.ts";
import { findUser } from "./users.ts";

/** Logging in by password, and changing it. */
export const login: readonly Route[] = [
  {
    method: "POST",
    path: "/access/ticket",
    parameters: {
      username: userId,
      password: text,
    },
    world: true,
    run: (server, values) => ({
      data: server.access.login(textOf(values, "username"), textOf(values, "password")),
    }),
  },
  {
    method: "DELETE",
    path: "/access/ticket",
    parameters: {},
    world: true,
    run: () => ({ data: null }),
  },
  {
    method: "PUT",
    path: "/access/password",
    parameters: {
      userid: userId,
      password,
      "confirmation-password": { ...password, minLength: 1, maxLength: 1024, optional: true },
    },
    async run(server, values, caller) {
      if (caller.includes("!")) throw new ApiError(400, "API tokens cannot access this API endpoint");
      const name = textOf(values, "userid");
      if (name !== caller && !server.access.has(caller, ["access", "users"], ["Permissions.Modify"])) {
        throw new ApiError(400, "you are not authorized to change the password.");
      }
      const own = values["confirmation-password"];
      if (caller !== "root@pam" && server.store.state.secrets[caller] !== hashSecret(String(own ?? ""))) {
        throw new ApiError(401, "authentication failed");
      }
      findUser(server, { userid: name });
      await server.store.change("user", undefined, (state) => {
        state.secrets[name] = hashSecret(textOf(values, "password"));
      });
      return { data: null };
    },
  },
];
