import type { Channel, Site } from "../../site.ts";
import { receivers } from "./routes.ts";
import { heartbeatUrl, pagerdutyKey, slackToken, smtpPassword, webhookUrl } from "./secrets.ts";

/** A receiver as Alertmanager's configuration has it. */
export type Receiver = { readonly name: string } & Readonly<Partial<Record<ReceiverKind, readonly object[]>>>;

type ReceiverKind = "email_configs" | "slack_configs" | "pagerduty_configs" | "webhook_configs";

/** One receiver for each channel, and those that every site has. */
export function receiversOf({ monitoring: { channels, heartbeat } }: Pick<Site, "monitoring">): Receiver[] {
  return [
    ...channels.map((channel) => ({ name: channel.name, ...receiverOf(channel) })),
    { name: receivers.unrouted, ...merged(fallback(channels).map(receiverOf)) },
    { name: receivers.nobody },
    ...(heartbeat
      ? [
          {
            name: receivers.heartbeat,
            webhook_configs: [
              {
                ...(heartbeat.url === undefined ? { url_file: heartbeatUrl.path } : { url: heartbeat.url }),
                // That the watchdog is gone must not look like a sign of life.
                send_resolved: false,
              },
            ],
          },
        ]
      : []),
  ];
}

/** Who hears of what nobody thought of: channels that take everything at once, or all of them where none does. */
function fallback(channels: readonly Channel[]): readonly Channel[] {
  const open = channels.filter(
    ({ areas, escalationMinutes, severities }) =>
      areas === undefined && escalationMinutes === 0 && severities.includes("warning"),
  );
  return open.length > 0 ? open : channels;
}

type Configs = Omit<Receiver, "name">;

function merged(all: readonly Configs[]): Configs {
  const kinds = ["email_configs", "slack_configs", "pagerduty_configs", "webhook_configs"] as const;
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const configs = all.flatMap((each) => each[kind] ?? []);
      return configs.length > 0 ? [[kind, configs]] : [];
    }),
  );
}

function receiverOf(channel: Channel): Configs {
  switch (channel.type) {
    case "email":
      return { email_configs: [email(channel)] };
    case "slack":
      return { slack_configs: [slack(channel)] };
    case "pagerduty":
      return { pagerduty_configs: [pagerduty(channel)] };
    case "webhook":
      return {
        webhook_configs: [
          {
            ...(channel.url === undefined ? { url_file: webhookUrl(channel).path } : { url: channel.url }),
            send_resolved: true,
          },
        ],
      };
  }
}

type ChannelOf<Type extends Channel["type"]> = Extract<Channel, { type: Type }>;

function email(channel: ChannelOf<"email">): object {
  const { to, from, smarthost, requireTls, username } = channel;
  return {
    to: to.join(", "),
    from,
    smarthost,
    require_tls: requireTls,
    send_resolved: true,
    headers: { Subject: `${escalated(channel, "[%] ")}{{ template "lab.subject" . }}` },
    text: `${escalated(channel, "This was %.\n\n")}{{ template "lab.text" . }}`,
    html: `{{ template "lab.html" . }}`,
    ...(username === undefined ? {} : { auth_username: username, auth_password_file: smtpPassword.path }),
  };
}

function slack(channel: ChannelOf<"slack">): object {
  return {
    api_url: channel.apiUrl,
    http_config: { authorization: { credentials_file: slackToken.path } },
    channel: channel.channel,
    send_resolved: true,
    color: `{{ template "lab.slack.color" . }}`,
    title: `${escalated(channel, "[%] ")}{{ template "lab.subject" . }}`,
    title_link: `{{ template "lab.link" . }}`,
    fallback: `{{ template "lab.subject" . }}`,
    text: `{{ template "lab.slack.text" . }}`,
  };
}

function pagerduty(channel: ChannelOf<"pagerduty">): object {
  return {
    url: channel.url,
    routing_key_file: pagerdutyKey(channel).path,
    send_resolved: true,
    client: "Alertmanager",
    client_url: `{{ template "lab.link" . }}`,
    description: `${escalated(channel, "[%] ")}{{ template "lab.subject" . }}: {{ template "lab.summary" . }}`,
    severity: `{{ if eq .CommonLabels.severity "critical" }}critical{{ else }}warning{{ end }}`,
    source: `{{ template "lab.where" . }}`,
    class: "{{ .CommonLabels.alertname }}",
    component: "{{ .CommonLabels.instance }}",
    group: "{{ .CommonLabels.area }}",
    details: {
      firing: `{{ range .Alerts.Firing }}{{ template "lab.alert.text" . }}\n{{ end }}`,
      resolved: `{{ range .Alerts.Resolved }}{{ template "lab.alert.text" . }}\n{{ end }}`,
    },
    links: [
      { href: "{{ .CommonAnnotations.runbook_url }}", text: "Runbook" },
      { href: "{{ .CommonAnnotations.dashboard_url }}", text: "Dashboard" },
      { href: `{{ template "lab.link" . }}`, text: "Alertmanager" },
    ],
  };
}

/** Says to the next level why it is told, while it still is. */
function escalated({ escalationMinutes: minutes }: Channel, wrapped: string): string {
  if (minutes === 0) return "";
  const text = wrapped.replace("%", `not acknowledged for ${minutes} min`);
  return `{{ if eq .Status "firing" }}${text}{{ end }}`;
}
