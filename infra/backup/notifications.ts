import * as pulumi from "@pulumi/pulumi";
import {
  type NeededSecret,
  pagerdutyKey,
  type SecretOf,
  slackToken,
  webhookUrl,
} from "../monitoring/alertmanager/secrets.ts";
import { NotificationMatcher, NotificationTarget, type NotificationTargetArgs } from "../pbs/sdk-services.ts";
import { isToldAtOnce } from "../site/alerting-checks.ts";
import type { Channel } from "../site.ts";

export interface BackupNotificationsArgs {
  readonly siteName: string;
  readonly channels: readonly Channel[];
  /** Of the mail channels that have a username. */
  readonly smtpPassword: pulumi.Input<string> | undefined;
  readonly channelSecret: SecretOf;
}

type ChannelOf<Type extends Channel["type"]> = Extract<Channel, { type: Type }>;

/**
 * What the backup server says of each severity of the site. A failed job of any kind (garbage collection, prune, sync,
 * verification) is an error; `unknown` are mails to root that it forwards, such as those of a failing disk.
 */
const routes = [
  { severity: "critical", matcher: "lab_errors", matchSeverity: "error" },
  { severity: "warning", matcher: "lab_warnings", matchSeverity: "warning,unknown" },
] as const;

/**
 * Whom the backup server itself tells of failures: the channels that Alertmanager tells of backups at once, so that a
 * failed verification reaches somebody also while the monitoring host is down.
 */
export class BackupNotifications extends pulumi.ComponentResource {
  constructor(name: string, args: BackupNotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:backup:Notifications", name, {}, opts);
    const child = { parent: this };
    // The server can neither wait for an acknowledgement nor for an hour.
    const channels = args.channels.filter((channel) => isToldAtOnce(channel, "backup"));
    const targets = new Map(
      channels.map((channel) => [
        channel.name,
        new NotificationTarget(channel.name, targetOf(channel, args), {
          ...child,
          // Of a webhook's it may be a secret; the server has no other place for it.
          ...(channel.type === "webhook" && channel.url === undefined
            ? { additionalSecretOutputs: ["url"] }
            : {}),
        }),
      ]),
    );
    for (const { severity, matcher, matchSeverity } of routes) {
      const reached = channels.filter(({ severities }) => severities.includes(severity));
      // The provider refuses an empty list, and a matcher without targets would tell nobody.
      if (reached.length === 0) continue;
      new NotificationMatcher(
        severity,
        {
          // No channel can be called so: targets and matchers share their names.
          name: matcher,
          comment: `What is ${severity} for the ${args.siteName} site`,
          matchSeverity: [matchSeverity],
          target: reached.map((channel) => channel.name),
        },
        // The server takes no matcher for a target that it does not know, nor gives up a target in use.
        { ...child, dependsOn: reached.flatMap((channel) => targets.get(channel.name) ?? []) },
      );
    }
    this.registerOutputs({});
  }
}

function targetOf(channel: Channel, args: BackupNotificationsArgs): NotificationTargetArgs {
  const comment = `Channel ${channel.name} of the ${args.siteName} site`;
  const { name } = channel;
  if (channel.type === "email") return { type: "smtp", name, comment, ...mailServer(channel, args) };
  return { type: "webhook", name, comment, method: "post", ...webhook(channel, args) };
}

function mailServer(channel: ChannelOf<"email">, { siteName, smtpPassword }: BackupNotificationsArgs) {
  const [server = "", port] = channel.smarthost.split(":");
  if (channel.username !== undefined && smtpPassword === undefined)
    throw new Error(`mail channel ${channel.name} has a username and no password`);
  return {
    server,
    port: Number(port),
    mode: modeOf(Number(port), channel.requireTls),
    fromAddress: channel.from,
    author: `Backup server of the ${siteName} site`,
    mailto: [...channel.to],
    ...(channel.username === undefined || smtpPassword === undefined
      ? {}
      : { username: channel.username, password: smtpPassword }),
  };
}

/** What each service takes. The server fills in templates, also those of secrets, which it shows to nobody. */
function webhook(
  channel: Exclude<Channel, { type: "email" }>,
  { siteName, channelSecret }: BackupNotificationsArgs,
) {
  const headers = { "Content-Type": "application/json" };
  const secret = ({ key }: NeededSecret) => {
    const value = channelSecret(key);
    if (value === undefined) throw new Error(`channel ${channel.name} needs the secret ${key}`);
    return value;
  };
  switch (channel.type) {
    case "webhook":
      return {
        url: channel.url ?? secret(webhookUrl(channel)),
        headers,
        body: alertmanagerMessage(channel.name, siteName),
      };
    case "slack":
      return {
        url: channel.apiUrl,
        headers: { ...headers, Authorization: "Bearer {{ secrets.token }}" },
        secrets: { token: secret(slackToken) },
        body: JSON.stringify({
          channel: channel.channel,
          text: `*[${siteName}] {{ escape title }}*\n{{ escape message }}`,
        }),
      };
    case "pagerduty":
      return {
        url: channel.url,
        headers,
        secrets: { key: secret(pagerdutyKey(channel)) },
        body: JSON.stringify({
          routing_key: "{{ secrets.key }}",
          event_action: "trigger",
          payload: {
            summary: `[${siteName}] {{ escape title }}`,
            source: "backup server",
            // Its own words are not all known to the service, which would refuse them.
            severity: "error",
            custom_details: { message: "{{ escape message }}" },
          },
        }),
      };
  }
}

/** As Alertmanager connects to the same server: port 465 is TLS from the start (RFC 8314), others begin in plain. */
function modeOf(port: number, requireTls: boolean): "tls" | "starttls" | "insecure" {
  if (port === 465) return "tls";
  return requireTls ? "starttls" : "insecure";
}

/** A template of what Alertmanager sends (webhook version 4), since that is what the receiver understands. */
function alertmanagerMessage(receiver: string, site: string): string {
  const labels = { alertname: "BackupServer", site, severity: "{{ severity }}" };
  const annotations = { summary: "{{ escape title }}", description: "{{ escape message }}" };
  return JSON.stringify({
    version: "4",
    status: "firing",
    receiver,
    groupLabels: { alertname: labels.alertname },
    commonLabels: labels,
    commonAnnotations: annotations,
    alerts: [{ status: "firing", labels, annotations }],
  });
}
