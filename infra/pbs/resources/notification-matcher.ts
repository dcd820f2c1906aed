import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { comment, dailyDuration, entityName, listOf } from "./values.ts";

/** How grave a notification is. `unknown` is what forwarded mails have. */
const severities = ["info", "notice", "warning", "error", "unknown"] as const;

/** Which notifications go to which targets. */
export const notificationMatcherInputs = z.object({
  name: entityName,
  /** Names of the targets that are notified; without any, what matches goes nowhere. */
  target: listOf(entityName).optional(),
  /** Conditions of the form `exact:type=gc,prune` or `regex:datastore=^vms-`. */
  matchField: listOf(
    z
      .string()
      .regex(
        /^(?:exact|regex):[A-Za-z0-9_][A-Za-z0-9._-]*=.+$/,
        'a field is matched as in "exact:type=verify,sync" or "regex:datastore=^vms"',
      ),
  ).optional(),
  /** Conditions that are lists of severities: `warning,error`. */
  matchSeverity: listOf(
    z
      .string()
      .regex(
        new RegExp(`^(?:${severities.join("|")})(?:,\\s*(?:${severities.join("|")}))*$`),
        `severities are ${severities.join(", ")}, joined by commas`,
      )
      .overwrite((text) => text.replaceAll(" ", "")),
  ).optional(),
  /** Conditions on the time, for example `mon..fri 8-17`, in the server's time zone. */
  matchCalendar: listOf(dailyDuration).optional(),
  /** Whether all conditions must hold, or any of them. */
  mode: z.enum(["all", "any"], { error: 'mode is "all" or "any"' }).default("all"),
  /** Turns the result round. */
  invertMatch: z.boolean().default(false),
  /** Whether the matcher is switched off. */
  disable: z.boolean().default(false),
  comment: comment.optional(),
});

export const notificationMatcher = configResource({
  token: "pbs:index:NotificationMatcher",
  kind: "notification matcher",
  file: "notifications",
  inputs: notificationMatcherInputs,
  identity: ["name"],
  idOf: (inputs) => inputs.name,
  createAt: (inputs) => ({
    path: "/config/notifications/matchers",
    parameters: { name: inputs.name },
  }),
  itemPath: (id) => apiPath`/config/notifications/matchers/${id}`,
  identityOf: (id) => ({ name: id }),
});
