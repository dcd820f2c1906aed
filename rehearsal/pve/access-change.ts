import type { Access, User } from "./access.ts";
import { failure } from "./errors.ts";
import { pattern } from "./fields.ts";
import type { Simulator } from "./simulator.ts";

/** Name of a user with the realm. */
export const userid = () =>
  pattern(/^[^\s:/!]+@[A-Za-z][A-Za-z0-9._-]+$/, "value does not look like a valid user name");

/** Changes users, roles and rules as one. */
export async function changeAccess(sim: Simulator, change: (access: Access) => void): Promise<void> {
  await sim.store.update((state) => change(state.access));
}

/** The user with an id; fails as the product does. `root@pam` needs no entry of its own. */
export function userOf(access: Access, id: string): User {
  const user = access.users[id];
  if (user !== undefined) return user;
  if (id !== "root@pam") throw failure(`no such user ('${id}')`);
  const root: User = { enable: true, expire: 0, tokens: {} };
  access.users[id] = root;
  return root;
}

/** Fails where a user is there already. */
export function requireNewUser(access: Access, id: string): void {
  if (id === "root@pam" || access.users[id] !== undefined) {
    throw failure(`create user failed: user '${id}' already exists`);
  }
}

/** A user as lists show it. */
export function shownUser({ tokens: _, password: __, enable, ...rest }: User): Record<string, unknown> {
  return { ...rest, enable: enable ? 1 : 0 };
}

/** A user's tokens as lists show them: the secret is nowhere. */
export function tokenList(user: User) {
  return Object.entries(user.tokens).map(([tokenid, { secretHash: _, privsep, ...rest }]) => ({
    tokenid,
    ...rest,
    privsep: privsep ? 1 : 0,
  }));
}

/** The parameters that were given. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
