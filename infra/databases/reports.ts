import * as pulumi from "@pulumi/pulumi";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import type { Contribution, HostFile } from "../hosts/contribution.ts";
import { type SecretOf, webhookUrl } from "../monitoring/alertmanager/secrets.ts";
import { isToldAtOnce } from "../site/alerting-checks.ts";
import type { Channel } from "../site.ts";
import { runtimeUser } from "./names.ts";

const directory = "/etc/dbkeeper";
const passwordPath = `${directory}/smtp-password`;

/** Authorities that the system trusts, on Debian and Ubuntu. */
const systemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

/** How long a mail server may take for each of its answers, in seconds. */
const answerTimeoutSeconds = 30;

type EmailChannel = Extract<Channel, { type: "email" }>;
type MailRelay = Pick<EmailChannel, "from" | "smarthost" | "requireTls" | "username">;

export interface ReportChannelsArgs {
  readonly channels: readonly Channel[];
  /** Secret; of the mail servers. */
  readonly smtpPassword: pulumi.Input<string> | undefined;
  /** Secret; of webhooks whose address the site does not say. */
  readonly channelSecret: SecretOf;
  /** The host's full name, by which it presents itself to mail servers. */
  readonly hostName: string;
}

/** How the runtime tells people by itself, and its part of the configuration. */
export interface ReportChannels {
  readonly contribution: Contribution;
  readonly configuration: NonNullable<DbkeeperConfig["channels"]>;
}

/**
 * What the runtime tells people by itself goes where critical alerts of backups go at once: mail through msmtp, which has no queue and no
 * service and so fails where the runtime can tell of it and try again; webhooks, whose addresses often hold a secret.
 */
export function reportChannels(args: ReportChannelsArgs): ReportChannels {
  const { channels, smtpPassword, channelSecret, hostName } = args;
  const critical = channels.filter(
    (channel) => channel.severities.includes("critical") && isToldAtOnce(channel, "backup"),
  );
  const emails = critical.filter((channel) => channel.type === "email");
  const webhooks = critical.filter((channel) => channel.type === "webhook");
  const asksForLogin = emails.some(({ username }) => username !== undefined);
  const emailPath = ({ name }: EmailChannel) => `${directory}/msmtp-${name}.conf`;
  const webhookPath = ({ name }: Channel) => `${directory}/webhook-${name}`;
  return {
    contribution: {
      packages: emails.length > 0 ? ["msmtp-mta"] : [],
      files: [
        ...emails.map((channel) =>
          own(emailPath(channel), mailConfiguration(channel, { hostName, passwordPath }), false),
        ),
        ...(asksForLogin && smtpPassword !== undefined ? [own(passwordPath, smtpPassword, true)] : []),
        ...webhooks.map((channel) => own(webhookPath(channel), addressOf(channel, channelSecret), true)),
      ],
    },
    configuration: {
      emails: emails.map((channel) => ({
        to: channel.to,
        from: channel.from,
        configFile: emailPath(channel),
      })),
      webhooks: webhooks.map((channel) => ({ urlFile: webhookPath(channel) })),
    },
  };
}

function addressOf(
  channel: Extract<Channel, { type: "webhook" }>,
  channelSecret: SecretOf,
): pulumi.Input<string> {
  const url = channel.url ?? channelSecret(webhookUrl(channel).key);
  if (url === undefined) throw new Error(`webhook channel ${channel.name} has no address`);
  return pulumi.interpolate`${url}\n`;
}

/** What {@link mailConfiguration} has to know of the host. */
export interface MailHost {
  readonly hostName: string;
  /** File with the password, read at each mail. */
  readonly passwordPath: string;
  /** Authorities that may have signed the mail server's certificate. Default: those that the system trusts. */
  readonly authorityPath?: string;
}

/** The configuration of msmtp for a channel: one relay, with TLS before anything else wherever it is asked for. */
export function mailConfiguration(
  { from, smarthost, requireTls, username }: MailRelay,
  { hostName, passwordPath, authorityPath = systemAuthorities }: MailHost,
): string {
  const colon = smarthost.lastIndexOf(":");
  const port = smarthost.slice(colon + 1);
  const settings = {
    account: "default",
    host: smarthost.slice(0, colon),
    port,
    domain: hostName,
    from,
    timeout: answerTimeoutSeconds,
    tls: requireTls ? "on" : "off",
    // Port 465 speaks TLS from the first byte (RFC 8314), the others after STARTTLS.
    ...(requireTls ? { tls_starttls: port === "465" ? "off" : "on", tls_trust_file: authorityPath } : {}),
    auth: username === undefined ? "off" : "on",
    ...(username === undefined ? {} : { user: quoted(username), passwordeval: `cat ${passwordPath}` }),
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${value}\n`)
    .join("");
}

/** A value as msmtp takes it, which has no way to write a quote inside of quotes. */
function quoted(text: string): string {
  if (!/["\n]/.test(text)) return `"${text}"`;
  throw new Error(`msmtp cannot log in as ${JSON.stringify(text)}: a username must not hold quotes or lines`);
}

function own(path: string, content: pulumi.Input<string>, sensitive: boolean): HostFile {
  return { path, content, mode: "0400", owner: runtimeUser, group: runtimeUser, sensitive };
}
