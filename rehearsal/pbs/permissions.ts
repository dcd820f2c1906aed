import { timingSafeEqual } from "node:crypto";
import { ApiError } from "./errors.ts";
import { hashSecret, type State } from "./state.ts";
import { type Login, Tickets, ticketIn } from "./tickets.ts";

export const privileges = [
  "Sys.Audit",
  "Sys.Modify",
  "Sys.PowerManagement",
  "Datastore.Audit",
  "Datastore.Allocate",
  "Datastore.Modify",
  "Datastore.Read",
  "Datastore.Verify",
  "Datastore.Backup",
  "Datastore.Prune",
  "Permissions.Modify",
  "Remote.Audit",
  "Remote.Modify",
  "Remote.Read",
  "Remote.DatastoreBackup",
  "Remote.DatastoreModify",
  "Remote.DatastorePrune",
  "Sys.Console",
  "Tape.Audit",
  "Tape.Modify",
  "Tape.Write",
  "Tape.Read",
  "Realm.Allocate",
] as const;

export type Privilege = (typeof privileges)[number];

export const roles: Readonly<Record<string, readonly Privilege[]>> = {
  Admin: privileges,
  Audit: ["Sys.Audit", "Datastore.Audit"],
  NoAccess: [],
  DatastoreAdmin: [
    "Datastore.Audit",
    "Datastore.Modify",
    "Datastore.Read",
    "Datastore.Verify",
    "Datastore.Backup",
    "Datastore.Prune",
  ],
  DatastoreReader: ["Datastore.Audit", "Datastore.Read", "Datastore.Verify"],
  DatastoreBackup: ["Datastore.Backup"],
  DatastorePowerUser: ["Datastore.Backup", "Datastore.Prune"],
  DatastoreAudit: ["Datastore.Audit"],
  RemoteAudit: ["Remote.Audit"],
  RemoteAdmin: ["Remote.Audit", "Remote.Modify", "Remote.Read"],
  RemoteSyncOperator: ["Remote.Audit", "Remote.Read"],
  RemoteSyncPushOperator: ["Remote.Audit", "Remote.Read", "Remote.DatastoreBackup"],
  RemoteDatastorePowerUser: ["Remote.Read", "Remote.DatastoreBackup", "Remote.DatastorePrune"],
  RemoteDatastoreAdmin: [
    "Remote.Read",
    "Remote.DatastoreBackup",
    "Remote.DatastoreModify",
    "Remote.DatastorePrune",
  ],
  TapeAudit: ["Tape.Audit"],
  TapeAdmin: ["Tape.Audit", "Tape.Modify", "Tape.Write", "Tape.Read"],
  TapeOperator: ["Tape.Audit", "Tape.Write", "Tape.Read"],
  TapeReader: ["Tape.Audit", "Tape.Read"],
};

interface RequestHeaders {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly csrfpreventiontoken?: string | string[] | undefined;
}

/** API tokens with every right, which are there before anybody could make one: id → secret. */
export type AdminTokens = Readonly<Record<string, string>>;

/** Who may do what. */
export class Access {
  readonly #state: () => Readonly<State>;
  readonly #admins: AdminTokens;
  readonly #tickets: Tickets;

  constructor(state: () => Readonly<State>, admins: AdminTokens, now: () => Date = () => new Date()) {
    this.#state = state;
    this.#admins = admins;
    this.#tickets = new Tickets(() => state().authKey, now);
  }

  /** Who makes a request: by API token, or by a login's ticket, which needs more than a cookie to change anything. */
  caller({ method, headers }: { readonly method: string; readonly headers: RequestHeaders }): string {
    const ticket = ticketIn(headers.cookie);
    if (headers.authorization !== undefined || ticket === undefined)
      return this.authenticate(headers.authorization);
    const user = this.#tickets.userOf(ticket);
    if (method !== "GET") {
      const token = headers.csrfpreventiontoken;
      this.#tickets.requireCsrf(user, Array.isArray(token) ? token[0] : token);
    }
    if (!this.#isActive(user)) throw unauthorized("user account or token disabled or expired.");
    return user;
  }

  /** A login by password, or by a ticket in its place, which makes a new one. @throws ApiError 401 */
  login(username: string, password: string): Login {
    // The product says no more, so that nobody learns which names exist.
    const refused = new ApiError(401, "permission check failed.");
    if (password.startsWith("PBS:")) {
      if (this.#tickets.userOf(password) !== username) throw refused;
    } else if (this.#state().secrets[username] !== hashSecret(password) || username.includes("!")) {
      throw refused;
    }
    if (!this.#isActive(username)) throw refused;
    return this.#tickets.issue(username);
  }

  /**
   * The id that an `Authorization` header proves.
   * @throws ApiError 401
   */
  authenticate(header: string | undefined): string {
    const [, id, secret] = /^PBSAPIToken=([^:]+):(.+)$/.exec(header ?? "") ?? [];
    if (!id || !secret) throw unauthorized("no authentication credentials provided.");
    const expected =
      this.#admins[id] === undefined ? this.#state().secrets[id] : hashSecret(this.#admins[id]);
    if (expected === undefined) throw unauthorized("no such API token.");
    if (!timingSafeEqual(Buffer.from(expected), Buffer.from(hashSecret(secret)))) {
      throw unauthorized("invalid API token secret");
    }
    if (this.#admins[id] === undefined && !this.#isActive(id)) {
      throw unauthorized("user account or token disabled or expired.");
    }
    return id;
  }

  /** Only for the tokens that the simulator was started with, which its own interface is for. @throws ApiError */
  requireAdmin(header: string | undefined): void {
    if (this.#admins[this.authenticate(header)] === undefined) {
      throw new ApiError(403, "permission check failed");
    }
  }

  /** The privileges of a user or token on a path, each with whether it counts below the path too. */
  privileges(id: string, path: readonly string[]): Map<Privilege, boolean> {
    if (id === "root@pam" || this.#admins[id] !== undefined) {
      return new Map(privileges.map((privilege) => [privilege, true]));
    }
    const own = new Map<Privilege, boolean>();
    for (const [role, propagate] of this.#roles(id, path)) {
      for (const privilege of roles[role] ?? []) own.set(privilege, propagate || own.get(privilege) === true);
    }
    if (!id.includes("!")) return own;
    const owner = this.privileges(userOf(id), path);
    return new Map([...own].filter(([privilege]) => owner.has(privilege)));
  }

  has(id: string, path: readonly string[], wanted: readonly Privilege[], partial = false): boolean {
    const own = this.privileges(id, path);
    return partial
      ? wanted.some((privilege) => own.has(privilege))
      : wanted.every((privilege) => own.has(privilege));
  }

  /** As handlers check, which say what is missing. @throws ApiError 400 */
  require(id: string, path: readonly string[], wanted: readonly Privilege[], partial = false): void {
    if (this.has(id, path, wanted, partial)) return;
    throw new ApiError(
      400,
      `missing permissions '${wanted.join(partial ? "|" : "&")}' on '/${path.join("/")}'`,
    );
  }

  exists(id: string): boolean {
    const { users, tokens } = this.#state().user;
    return id in users || id in tokens || id in this.#admins;
  }

  #isActive(id: string): boolean {
    const { users, tokens } = this.#state().user;
    const now = Date.now() / 1000;
    return (id.includes("!") ? [users[userOf(id)], tokens[id]] : [users[id]]).every(
      (section) => section && section.enable !== false && (!section.expire || Number(section.expire) > now),
    );
  }

  /** The deepest node of the path that names the id counts; one above it only what it passes on. */
  #roles(id: string, path: readonly string[]): Map<string, boolean> {
    let found = new Map<string, boolean>();
    for (let depth = 0; depth <= path.length; depth++) {
      const node = `/${path.slice(0, depth).join("/")}`;
      const here = this.#state().acl.filter(
        (entry) =>
          entry.ugid_type === "user" &&
          entry.ugid === id &&
          entry.path === node &&
          (entry.propagate || depth === path.length),
      );
      if (here.some((entry) => entry.roleid === "NoAccess")) found = new Map([["NoAccess", false]]);
      else if (here.length > 0) found = new Map(here.map((entry) => [entry.roleid, entry.propagate]));
    }
    return found;
  }
}

/** `name@realm!token` → `name@realm`. */
export function userOf(id: string): string {
  return id.split("!")[0] ?? id;
}

function unauthorized(reason: string): ApiError {
  return new ApiError(401, `authentication failed - ${reason}`);
}
