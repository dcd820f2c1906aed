import { z } from "zod";
import { nextRuns, parseCalendarEvent } from "../calendar.ts";

const safeId = "[A-Za-z0-9_][A-Za-z0-9._-]*";
const idAdvice =
  "3 to 32 letters, digits, dots, hyphens and underscores, starting with a letter, digit or underscore";

/** Name of a datastore. */
export const storeName = z
  .string()
  .regex(new RegExp(`^(?=.{3,32}$)${safeId}$`), `a datastore name has ${idAdvice}`);

/** Id of a prune, verification or sync job. */
export const jobId = z.string().regex(new RegExp(`^(?=.{3,32}$)${safeId}$`), `a job id has ${idAdvice}`);

/** Namespace below the root of a datastore, at most 8 levels; leave it out for the root. */
export const namespace = z
  .string()
  .max(256, "a namespace has at most 256 characters")
  .regex(
    new RegExp(`^${safeId}(/${safeId}){0,7}$`),
    'a namespace is one to eight names joined by "/", for example "lab/vms"; leave it out for the root',
  );

/** How many levels of namespaces below the given one are included; 0 is that one alone. */
export const maxDepth = z
  .int()
  .min(0, "maxDepth is 0 (this namespace alone) to 7")
  .max(7, "maxDepth is 0 (this namespace alone) to 7");

/** One line of at most 128 characters. */
export const comment = z
  .string()
  .min(1, "leave an empty comment out")
  .max(128, "a comment has at most 128 characters")
  .regex(/^[^\p{Cc}]*$/u, "a comment is one line without control characters")
  // The server trims comments, so blanks around one would be found changed by every refresh.
  .refine((text) => text === text.trim(), "a comment has no blanks around it");

/** When to run, in the server's time zone; see `calendar.ts` for the notation. */
export const schedule = z.string().superRefine((text, context) => {
  const parsed = parseCalendarEvent(text);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.reason });
  else if (nextRuns(parsed.event, new Date(), 1).length === 0) {
    context.addIssue({
      code: "custom",
      message: "this schedule never comes (again); check day, month and year",
    });
  }
});

/** `name@realm`. */
export const userId = z
  .string()
  .min(3)
  .max(64, "a user id has at most 64 characters")
  .regex(
    new RegExp(`^[^\\s:/!@\\p{Cc}]+@${safeId}$`, "u"),
    'a user id is "name@realm", for example "pulumi@pbs"',
  );

/** `name@realm` or `name@realm!token`. */
export const authId = z
  .string()
  .max(64, "an id of a user or token has at most 64 characters")
  .regex(
    new RegExp(`^[^\\s:/!@\\p{Cc}]+@${safeId}(!${safeId})?$`, "u"),
    'this is "name@realm" for a user or "name@realm!token" for an API token',
  );

/** Seconds since 1970; 0 is never. */
export const expire = z.int().min(0, "expire is a time in seconds since 1970, or 0 for never").default(0);

/** Number of backups to keep by one rule. */
export const keep = z
  .int()
  .min(1, "a keep rule is at least 1; leave it out to switch the rule off")
  .optional();
