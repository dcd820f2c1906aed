import { z } from "zod";
import { withMeta } from "../../provider/meta.ts";
import { parseCalendarEvent } from "../calendar.ts";
import { adviseOnSchedule, refuseSchedule } from "../calendar-check.ts";

const safeId = "[A-Za-z0-9_][A-Za-z0-9._-]*";
const idAdvice =
  "3 to 32 letters, digits, dots, hyphens and underscores, starting with a letter, digit or underscore";

/** Name of a datastore. */
export const storeName = z
  .string()
  .regex(new RegExp(`^(?=.{3,32}$)${safeId}$`), `a datastore name has ${idAdvice}`);

/** Id of a prune, verification or sync job. */
export const jobId = z.string().regex(new RegExp(`^(?=.{3,32}$)${safeId}$`), `a job id has ${idAdvice}`);

/** Name of a remote, an endpoint or a rule. */
export const objectName = z.string().regex(new RegExp(`^(?=.{3,32}$)${safeId}$`), `a name has ${idAdvice}`);

/** Name of a notification target or matcher. */
export const entityName = z
  .string()
  .regex(
    new RegExp(`^(?=.{2,32}$)${safeId}$`),
    "a name has 2 to 32 letters, digits, dots, hyphens and underscores, starting with a letter, digit or underscore",
  );

/** One line of text. */
export const line = z.string().regex(/^[^\p{Cc}]*$/u, "this is one line without control characters");

/** A password, token or key: one line that is shown nowhere. */
export const secretLine = withMeta(line.min(1, "a secret is not empty"), { secret: true });

/** Address of a server on the web. */
export const httpUrl = z
  .string()
  .regex(/^https?:\/\/[^\s/]+/, 'a URL starts with "https://" or "http://" and a host name');

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
export const schedule = withMeta(
  z.string().superRefine((text, context) => {
    const message = refuseSchedule(text, new Date());
    if (message !== undefined) context.addIssue({ code: "custom", message });
  }),
  { advise: (text) => adviseOnSchedule(String(text), new Date()) },
);

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

/** SHA-256 of a certificate. Its letters are kept small, so that equal ones are equal texts. */
export const fingerprint = z
  .string()
  .regex(
    /^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/i,
    "a fingerprint is 32 hexadecimal bytes, aa:bb:…, as `proxmox-backup-manager cert info` shows it",
  )
  .overwrite((text) => text.toLowerCase());

/** A TCP port. */
export const port = z
  .int("a port is 1 to 65535")
  .min(1, "a port is 1 to 65535")
  .max(65535, "a port is 1 to 65535");

/** A host name or an address. */
export const host = z
  .string()
  .regex(
    /^(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*)$/i,
    'a host is a name or an address without scheme and port, for example "pbs.example.org" or "192.0.2.7"',
  );

/** An amount of data as the server writes it, for example "10 MiB"; a bare number counts bytes. */
export const byteSize = z
  .string()
  .max(64)
  .regex(
    /^\d+(\.\d+)?\s*([KMGTP]i?)?B?$/i,
    'an amount of data is a number with a unit, for example "50 MiB" or "1.5 GB"',
  )
  .overwrite(canonicalByteSize);

/** Bytes a second. */
export const rate = byteSize.optional();

/** `10mib` → `10 MiB`: the server writes every amount in this way, whatever way it was given. */
function canonicalByteSize(text: string): string {
  const [, number = "", prefix = ""] = /^([\d.]+)\s*((?:[KMGTP]i?)?)B?$/i.exec(text) ?? [];
  if (number === "") return text;
  const unit = `${prefix.slice(0, 1).toUpperCase()}${prefix.slice(1).toLowerCase()}B`;
  return `${Math.round(Number(number) * 1000) / 1000} ${unit}`;
}

/** A list of at least one, since the server cannot keep an empty one. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.array(item).min(1, "leave an empty list out");
}

/** Hours of a day, perhaps of some days of the week only: `mon..fri 8:00-17:30`. */
export const dailyDuration = z.string().superRefine((text, context) => {
  const reason = dailyDurationFault(text);
  if (reason !== undefined)
    context.addIssue({ code: "custom", message: `"${text}" is no part of a day: ${reason}` });
});

function dailyDurationFault(text: string): string | undefined {
  const match = /^(?:([a-z][a-z.,]*)\s+)?(\d{1,2})(?::(\d{1,2}))?\s*-\s*(\d{1,2})(?::(\d{1,2}))?$/i.exec(
    text,
  );
  if (!match) return 'write it as "8-17:30" or, for some days of the week, "mon..fri 8-17:30"';
  const [, days, ...numbers] = match;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = numbers.map((number) =>
    Number(number ?? 0),
  );
  if (days !== undefined && !parseCalendarEvent(`${days} 0:00`).ok) {
    return `"${days}" are no days of the week; write for example "sat,sun" or "mon..fri"`;
  }
  if (fromHour > 23 || toHour > 23 || fromMinute > 59 || toMinute > 59) return "times are 0:00 to 23:59";
  return fromHour * 60 + fromMinute > toHour * 60 + toMinute
    ? "it ends before it starts; past midnight it takes two, for example 22-23:59 and 0-6"
    : undefined;
}
