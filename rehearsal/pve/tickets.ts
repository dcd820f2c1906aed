import { createHmac, randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isMissing, writeFileAtomic } from "../lib/files.ts";
import { ApiError } from "./errors.ts";

/** The key that signs tickets. */
export type TicketKey = Buffer;

/** Seconds for which a ticket is good, as in the product. */
const lifetimeSeconds = 2 * 3600;

/** The cluster's key, made on first use, so that tickets outlive a restart. */
export async function openTicketKey(path: string): Promise<TicketKey> {
  try {
    return await readFile(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const key = randomBytes(32);
    await writeFileAtomic(path, key, { mode: 0o600 });
    return key;
  }
}

/** A ticket for a user who has proven who they are. */
export function createTicket(key: TicketKey, user: string, now: number): string {
  const plain = `PVE:${user}:${hex(now)}`;
  return `${plain}::${sign(key, plain)}`;
}

/** The user of a ticket; fails with 401 where it is not the cluster's or too old. */
export function verifyTicket(key: TicketKey, ticket: string, now: number): string {
  const [plain = "", signature = ""] = ticket.split("::");
  const [, user, time = ""] = /^PVE:([^:]+):([0-9A-F]{8})$/.exec(plain) ?? [];
  if (user === undefined || !same(signature, sign(key, plain)) || isOld(time, now)) {
    throw new ApiError(401, "permission denied - invalid PVE ticket");
  }
  return user;
}

/** What a page must send along with every write that a ticket authorises. */
export function createCsrfToken(key: TicketKey, user: string, now: number): string {
  return `${hex(now)}:${sign(key, `csrf ${hex(now)} ${user}`)}`;
}

/** Fails with 401 unless the token belongs to the user and is fresh. */
export function checkCsrfToken(key: TicketKey, user: string, token: string | undefined, now: number): void {
  const [time = "", signature = ""] = (token ?? "").split(":");
  if (!same(signature, sign(key, `csrf ${time} ${user}`)) || isOld(time, now)) {
    throw new ApiError(401, "Permission denied - invalid csrf token");
  }
}

/** Salt and hash under which a password is kept. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  return `${salt.toString("hex")}:${scryptSync(password, salt, 32).toString("hex")}`;
}

/** Whether a password is the one that was kept. */
export function isPassword(kept: string, password: string): boolean {
  const [salt = "", hash = ""] = kept.split(":");
  return same(hash, scryptSync(password, Buffer.from(salt, "hex"), 32).toString("hex"));
}

function isOld(time: string, now: number): boolean {
  const age = now - Number.parseInt(time, 16);
  return !(age > -300 && age < lifetimeSeconds);
}

function hex(seconds: number): string {
  return seconds.toString(16).toUpperCase().padStart(8, "0");
}

function sign(key: TicketKey, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
