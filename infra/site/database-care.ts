import { z } from "zod";
import { isAgeRecipient } from "../databases/age.ts";
import { positive, sqlIdentifier } from "./primitives.ts";

/** A whole number with both ends, which the message names. */
function whole(lowest: number, highest: number) {
  const allowed = `a whole number from ${lowest} to ${highest}`;
  return z.int(allowed).min(lowest, allowed).max(highest, allowed);
}

/** Vacuum, statistics and index care: daily 04:00 UTC, Sundays 05:00, and the first Sunday of a month 06:00. */
export const maintenance = z.strictObject({
  /** Minutes in which new work may begin. Default 120. */
  windowMinutes: whole(1, 1440).default(120),
  /** How long to wait for a table that another session holds; then it is left for the next time. Default 5. */
  lockTimeoutSeconds: whole(1, 600).default(5),
  /**
   * Roles that own the tables, made without a login where they are missing. The maintenance role becomes a member of
   * each: before PostgreSQL 17 nothing less lets it vacuum a table or rebuild an index. Default none.
   */
  owners: z.array(sqlIdentifier).default([]),
});

/** Encryption of dumps with age. The host's own key, which validating needs, is made by the program. */
export const encryption = z.strictObject({
  /** Public keys whose private ones are somewhere else: what the lab's state and host alone could open is lost with them. */
  recipients: z
    .array(
      z
        .string()
        .refine(isAgeRecipient, "a public key of age, as `age-keygen` prints it: age1 and 58 characters"),
    )
    .min(1, "at least one public key whose private key is kept elsewhere")
    .max(19, "at most 19 public keys"),
});

const anyValue = z.union(
  [z.string(), z.number(), z.boolean(), z.null()],
  "a text, number, truth value or null",
);

/** The site's own checks on each restored copy. */
export const checks = z.array(
  z.strictObject({
    /** In events and manifests. */
    name: z.string().min(1, "a name").max(63, "at most 63 characters"),
    /** Names of `databases`. Default all. */
    databases: z.array(sqlIdentifier).min(1, "at least one database").optional(),
    /** One query, which cannot write. */
    sql: z.string().refine((text) => /[^\s;]/.test(text), "a query"),
    /** What it must find. Default rows. */
    expect: z
      .union(
        [z.enum(["rows", "no-rows"]), z.strictObject({ equals: anyValue })],
        "rows, no-rows, or { equals: value }",
      )
      .default("rows"),
    /** Then it has failed. Default 60. */
    timeoutSeconds: whole(1, 86_400).default(60),
  }),
);

/** How dumps are written, beside what every site states. */
export const dumpWriting = {
  /**
   * `custom`: a file a database. `directory`: a file a table, by several processes, never encrypted. `auto`: what is
   * fastest. Default auto.
   */
  format: z.enum(["auto", "custom", "directory"]).default("auto"),
  /** How long to wait for a locked table; then its database fails. Default 300. */
  lockWaitTimeoutSeconds: positive.default(300),
  /** What must stay free on the disk of the dumps. Default 5. */
  minimumFreeGib: z.int("a whole number").min(0, "a whole number, at least 0").default(5),
  /**
   * Which databases of the server are dumped: names and shell globs, `!glob` leaves out. All of `databases` must be
   * among them. Default those of `databases`.
   */
  databases: z.array(z.string().min(1, "a name or a glob")).min(1, "at least one name or glob").optional(),
};
