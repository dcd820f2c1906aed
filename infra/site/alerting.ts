import { z } from "zod";
import { areas } from "../../alert-rules/rule.ts";
import { emailAddress, httpUrl, label } from "./primitives.ts";

/** Alerts that reach somebody: `critical` pages, `warning` is a ticket. */
export const severities = ["critical", "warning"] as const;

const clock = /^([01]\d|2[0-3]):[0-5]\d$/;

const timeRange = z
  .strictObject({
    startTime: z.string().regex(clock, "a time of day such as 08:00"),
    endTime: z
      .string()
      .refine((text) => clock.test(text) || text === "24:00", "a time of day such as 18:00, or 24:00"),
  })
  .refine(({ startTime, endTime }) => startTime < endTime, {
    path: ["endTime"],
    error: "later than startTime; a range over midnight is two, one up to 24:00 and one from 00:00",
  });

/** `monday` or `monday:friday`, in the order of `names`. */
function nameRange(names: readonly string[], allowed: string) {
  return z.string().refine((text) => {
    const indexes = text.split(":").map((name) => names.indexOf(name));
    const [first = -1, last = first] = indexes;
    return indexes.length <= 2 && first >= 0 && last >= first;
  }, allowed);
}

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const months = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];

const dayOfMonth = /^(-?(?:[1-9]|[12]\d|3[01]))(?::(-?(?:[1-9]|[12]\d|3[01])))?$/;

/** `1:7` is the first week, `-3:-1` the last three days, as Alertmanager takes them. */
const daysOfMonth = z.string().refine((text) => {
  const [, start, end = start] = dayOfMonth.exec(text) ?? [];
  if (start === undefined) return false;
  const [first, last] = [Number(start), Number(end)];
  // A day from the end on may come after one from the beginning, never before one.
  return first < 0 ? last < 0 && first <= last : last < 0 || first <= last;
}, "days such as 1:7 or -3:-1, from 1 to 31 or from -31 to -1, the earlier first");

/** What an interval leaves out is not restricted; what it names must hold together. */
const timeInterval = z.strictObject({
  times: z.array(timeRange).min(1, "at least one range of times").optional(),
  weekdays: z
    .array(nameRange(weekdays, "a day or days such as monday:friday, from sunday to saturday"))
    .min(1, "at least one day")
    .optional(),
  daysOfMonth: z.array(daysOfMonth).min(1, "at least one day").optional(),
  months: z
    .array(nameRange(months, "a month or months such as october:december"))
    .min(1, "at least one month")
    .optional(),
  /** In whose clock. Default UTC. */
  location: z
    .string()
    .refine(isTimeZone, "a time zone such as Europe/Berlin or America/Los_Angeles")
    .default("UTC"),
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    // Offsets such as +01:00 are understood here, but not by Alertmanager.
    return /^[A-Z]/.test(name);
  } catch {
    return false;
  }
}

/** Named times, each a list of which any may hold. */
export const timeIntervals = z
  .record(label, z.array(timeInterval).min(1, "at least one interval"))
  .default({});

/** Times in which work goes on, so that alerts are expected: nothing is sent, neither to people nor to programs. */
export const maintenanceWindows = z
  .array(
    z.strictObject({
      /** Names of `timeIntervals`. */
      timeIntervals: z.array(label).min(1, "at least one name of timeIntervals"),
      /** Names of `guests`, or the backup server's. Default: the whole site. */
      hosts: z.array(label).min(1, "at least one host").optional(),
    }),
  )
  .default([]);

/** Four days at most: Alertmanager forgets what it has sent after five. */
const repeat = z
  .int("a whole number of minutes from 1 to 5760")
  .min(1, "a whole number of minutes from 1 to 5760")
  .max(5760, "a whole number of minutes from 1 to 5760");

const common = {
  name: label,
  severities: z.array(z.enum(severities)).min(1, "at least one severity"),
  /** What it takes, by the label `area` of alerts. Default: everything, also what has another area. */
  areas: z.array(z.enum(areas)).min(1, "at least one area").optional(),
  /**
   * The next level: it gets only what is still firing after so many minutes and has been neither acknowledged nor
   * silenced. Default 0: at once.
   */
  escalationMinutes: z.number().min(0, "a number of minutes, at least 0").default(0),
  /** How long it hears nothing new of an alert that goes on firing. Default an hour, for warnings a day. */
  repeatMinutes: z.strictObject({ critical: repeat.default(60), warning: repeat.default(1440) }).prefault({}),
  /** Names of `timeIntervals` outside of which nothing is sent; what still fires then is sent when one begins. */
  activeTimeIntervals: z.array(label).min(1, "at least one name of timeIntervals").optional(),
  /** Names of `timeIntervals` in which nothing is sent; what still fires is sent when they are over. */
  muteTimeIntervals: z.array(label).min(1, "at least one name of timeIntervals").optional(),
};

const channel = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("email"),
    ...common,
    to: z.array(emailAddress).min(1, "at least one address"),
    from: emailAddress,
    /** host:port of the mail server. */
    smarthost: z.string().regex(/^[^\s:]+:[0-9]+$/, "host:port of the mail server"),
    requireTls: z.boolean().default(true),
    /** For a mail server that asks for a login; the password is the stack's secret `smtpPassword`. */
    username: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal("slack"),
    ...common,
    /** Where the app whose token is the stack's secret `slackToken` may write. */
    channel: z
      .string()
      .regex(/^(#[a-z0-9_-]{1,80}|[CG][A-Z0-9]{8,})$/, "a channel such as #lab-databases, or its id"),
    /** Slack's method that takes messages. Default https://slack.com/api/chat.postMessage. */
    apiUrl: httpUrl.default("https://slack.com/api/chat.postMessage"),
  }),
  z.strictObject({
    /** The integration key of a service (Events API v2) is the stack's secret `pagerdutyKey-<name>`. */
    type: z.literal("pagerduty"),
    ...common,
    /** Default that of the United States; accounts in Europe have https://events.eu.pagerduty.com/v2/enqueue. */
    url: httpUrl.default("https://events.pagerduty.com/v2/enqueue"),
  }),
  z.strictObject({
    type: z.literal("webhook"),
    ...common,
    /** Default: the stack's secret `webhookUrl-<name>`, for an address that nobody may read. */
    url: httpUrl.optional(),
  }),
]);

export const channels = z
  .array(channel)
  .min(1, "at least one channel: an alert that reaches nobody is no alert");

/** How long alerts that belong together are waited for, so that they come in one message. */
export const grouping = z
  .strictObject({
    /** Before the first message. Default 10. */
    waitSeconds: z.int("a whole number").min(0, "a whole number, at least 0").default(10),
    /** Before a message tells of what has come or gone since. Default 60. */
    intervalSeconds: z.int("a whole number").min(1, "a whole number, at least 1").default(60),
  })
  .prefault({});

/**
 * A service outside of the lab that tells somebody when it hears nothing any more: of the whole monitoring being dead
 * nobody else can tell.
 */
export const heartbeat = z
  .strictObject({
    /** What takes a POST. Default: the stack's secret `heartbeatUrl`, for an address that nobody may read. */
    url: httpUrl.optional(),
    /** Let the service wait for three of them. Default 60. */
    intervalSeconds: z.int("a whole number").min(10, "a whole number, at least 10").default(60),
  })
  .optional();
