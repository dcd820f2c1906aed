import type * as pulumi from "@pulumi/pulumi";
import type { HostFile } from "../../hosts/contribution.ts";
import type { Channel, Site } from "../../site.ts";

/** The stack's secret of this name; undefined where it is not set. */
export type SecretOf = (key: string) => pulumi.Input<string> | undefined;

/** A secret that Alertmanager needs: a setting of the stack, and the file that has it on the monitoring host. */
export interface NeededSecret {
  readonly key: string;
  readonly path: string;
  /** Why it is needed, for whoever has to set it. */
  readonly why: string;
}

const directory = "/etc/alertmanager";

export const smtpPassword = {
  key: "smtpPassword",
  path: `${directory}/smtp-password`,
  why: "a mail channel has a username",
} as const;

export const slackToken = {
  key: "slackToken",
  path: `${directory}/slack-token`,
  why: "a channel is of the type slack: the bot token of an app with the right chat:write",
} as const;

export const heartbeatUrl = {
  key: "heartbeatUrl",
  path: `${directory}/heartbeat-url`,
  why: "monitoring.heartbeat has no url",
} as const;

export function pagerdutyKey({ name }: Pick<Channel, "name">): NeededSecret {
  return {
    key: `pagerdutyKey-${name}`,
    path: `${directory}/pagerduty-key-${name}`,
    why: `channel ${name} is a PagerDuty service: its integration key`,
  };
}

export function webhookUrl({ name }: Pick<Channel, "name">): NeededSecret {
  return {
    key: `webhookUrl-${name}`,
    path: `${directory}/webhook-url-${name}`,
    why: `webhook channel ${name} has no url`,
  };
}

/** Every secret that the channels of a site need, each once. */
export function neededSecrets({ monitoring: { channels, heartbeat } }: Site): readonly NeededSecret[] {
  const needed = [
    ...channels.map(secretOfChannel),
    heartbeat && heartbeat.url === undefined ? heartbeatUrl : undefined,
  ].filter((secret) => secret !== undefined);
  return [...new Map(needed.map((secret) => [secret.key, secret])).values()];
}

function secretOfChannel(channel: Channel): NeededSecret | undefined {
  switch (channel.type) {
    case "email":
      return channel.username === undefined ? undefined : smtpPassword;
    case "slack":
      return slackToken;
    case "pagerduty":
      return pagerdutyKey(channel);
    case "webhook":
      return channel.url === undefined ? webhookUrl(channel) : undefined;
  }
}

/**
 * The files of the secrets. Alertmanager reads them at each message, so a change needs no reload.
 * @throws Error naming one that is not set
 */
export function secretFiles(site: Site, secretOf: SecretOf): HostFile[] {
  return neededSecrets(site).map(({ key, path, why }) => {
    const content = secretOf(key);
    if (content === undefined)
      throw new Error(`${key} is missing: ${why}; set it with \`pulumi config set --secret ${key}\``);
    return {
      path,
      content,
      mode: "0600",
      owner: "alertmanager",
      group: "alertmanager",
      sensitive: true,
    };
  });
}
