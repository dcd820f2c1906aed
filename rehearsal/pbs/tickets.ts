import { createHmac, timingSafeEqual } from "node:crypto";
import { ApiError } from "./errors.ts";

/** A login is valid for two hours, as in the product. */
const lifetimeSeconds = 2 * 3600;

/** What a login gives: the ticket for the cookie, and the token that every change needs beside it. */
export interface Login {
  readonly username: string;
  readonly ticket: string;
  readonly CSRFPreventionToken: string;
}

/** Makes and checks logins with a key that only the server has. */
export class Tickets {
  readonly #key: () => string;
  readonly #now: () => Date;

  constructor(key: () => string, now: () => Date) {
    this.#key = key;
    this.#now = now;
  }

  issue(username: string): Login {
    const time = Math.floor(this.#now().getTime() / 1000);
    const stamp = time.toString(16).toUpperCase().padStart(8, "0");
    const plain = `PBS:${username}:${stamp}`;
    return {
      username,
      ticket: `${plain}::${this.#sign(plain)}`,
      CSRFPreventionToken: `${stamp}:${this.#sign(`${stamp}:${username}`)}`,
    };
  }

  /** The user that a ticket proves. @throws ApiError 401 */
  userOf(ticket: string): string {
    const [, plain = "", user = "", stamp = "", signature = ""] =
      /^(PBS:([^:\s]+@[^:\s]+):([0-9A-F]{8}))::([A-Za-z0-9_-]+)$/.exec(ticket) ?? [];
    if (!this.#fits(plain, signature)) throw refused("invalid ticket");
    this.#requireFresh(stamp, "ticket");
    return user;
  }

  /** @throws ApiError 401 */
  requireCsrf(user: string, token: string | undefined): void {
    if (!token) throw refused("missing CSRF prevention token");
    const [stamp = "", signature = ""] = token.split(":");
    if (!this.#fits(`${stamp}:${user}`, signature)) throw refused("invalid CSRF prevention token");
    this.#requireFresh(stamp, "CSRF prevention token");
  }

  #requireFresh(stamp: string, what: string): void {
    const age = this.#now().getTime() / 1000 - Number.parseInt(stamp, 16);
    if (age > lifetimeSeconds) throw refused(`invalid ${what} - timestamp too old`);
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#key()).update(text).digest("base64url");
  }

  #fits(text: string, signature: string): boolean {
    const [given, wanted] = [Buffer.from(signature), Buffer.from(this.#sign(text))];
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

/** The ticket in a request's cookies. */
export function ticketIn(cookies: string | undefined): string | undefined {
  const found = /(?:^|;\s*)(?:__Host-)?PBSAuthCookie=([^;]+)/.exec(cookies ?? "")?.[1];
  return found === undefined ? undefined : decodeURIComponent(found);
}

function refused(reason: string): ApiError {
  return new ApiError(401, `authentication failed - ${reason}`);
}
