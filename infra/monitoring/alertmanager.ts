import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { type Contribution, executable, type HostFile, plainFile } from "../hosts/contribution.ts";
import { programDirectory } from "../hosts/paths.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { keyPairFiles } from "../hosts/tls.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Channel, Site } from "../site.ts";
import { webAddress } from "./addresses.ts";
import { loginFile, type MonitoringLogin } from "./login.ts";

const unit = "alertmanager.service";
const directory = "/etc/alertmanager";
const passwordPath = `${directory}/smtp-password`;
const webPath = `${directory}/web.yml`;

export interface AlertmanagerArgs {
  readonly site: Site;
  readonly smtpPassword: pulumi.Input<string> | undefined;
  readonly identity: KeyPair;
  readonly login: MonitoringLogin;
}

/** Alertmanager on the monitoring host, routing by severity to the site's channels. */
export function alertmanager({ site, smtpPassword, identity, login }: AlertmanagerArgs): Contribution {
  const { monitoring, binaries } = site;
  const asksForLogin = monitoring.channels.some(
    (channel) => channel.type === "email" && channel.username !== undefined,
  );
  if (asksForLogin && smtpPassword === undefined) {
    throw new Error(
      "a mail channel has a username: set its password with `pulumi config set --secret smtpPassword`",
    );
  }
  return {
    users: [{ name: "alertmanager", home: "/var/lib/alertmanager" }],
    directories: [
      { path: "/var/lib/alertmanager", mode: "0750", owner: "alertmanager", group: "alertmanager" },
      { path: directory, mode: "0755", owner: "root", group: "root" },
    ],
    files: [
      executable(`${programDirectory}/alertmanager`, binaries.alertmanager, [unit]),
      plainFile(`${directory}/alertmanager.yml`, stringify(configuration(site)), [unit]),
      loginFile(webPath, "alertmanager", login),
      ...keyPairFiles("alertmanager", "alertmanager", identity),
      ...(asksForLogin && smtpPassword !== undefined ? [passwordFile(smtpPassword)] : []),
    ],
    units: [
      {
        name: unit,
        reloadable: true,
        content: renderUnit({
          Unit: { Description: "Alertmanager", After: "network-online.target" },
          Service: {
            User: "alertmanager",
            ExecStart: [
              `${programDirectory}/alertmanager`,
              `--config.file=${directory}/alertmanager.yml`,
              "--storage.path=/var/lib/alertmanager",
              `--web.config.file=${webPath}`,
              // In messages, for people.
              `--web.external-url=${webAddress(site, "alertmanager")}/`,
              `--web.listen-address=:${monitoring.ports.alertmanager}`,
              // One instance: nothing to gossip with, so nothing to listen for.
              "--cluster.listen-address=",
            ].join(" "),
            ExecReload: "/bin/kill -HUP $MAINPID",
            Restart: "on-failure",
            ReadWritePaths: "/var/lib/alertmanager",
            ...hardened,
          },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
    ],
  };
}

/** Routes and receivers: each severity reaches every channel that asks for it. */
export function configuration({ monitoring, name }: Site): object {
  const severities = ["critical", "warning"] as const;
  return {
    global: { resolve_timeout: "5m" },
    route: {
      // Whatever no route matches still reaches somebody.
      receiver: "warning",
      group_by: ["alertname", "instance"],
      group_wait: "10s",
      group_interval: "1m",
      repeat_interval: "4h",
      routes: severities.map((severity) => ({ receiver: severity, matchers: [`severity="${severity}"`] })),
    },
    inhibit_rules: [
      {
        source_matchers: ['alertname="HostDown"'],
        target_matchers: ['alertname!="HostDown"'],
        equal: ["instance"],
      },
      {
        source_matchers: ['severity="critical"'],
        target_matchers: ['severity="warning"'],
        equal: ["alertname", "instance"],
      },
    ],
    receivers: severities.map((severity) => ({
      name: severity,
      ...receivers(
        monitoring.channels.filter((channel) => channel.severities.includes(severity)),
        name,
      ),
    })),
  };
}

function receivers(channels: readonly Channel[], site: string): object {
  const email = channels.flatMap((channel) =>
    channel.type === "email"
      ? [
          {
            to: channel.to.join(", "),
            from: channel.from,
            smarthost: channel.smarthost,
            require_tls: channel.requireTls,
            send_resolved: true,
            headers: {
              subject: `[${site}] {{ .Status | toUpper }} {{ .CommonLabels.alertname }} {{ .CommonLabels.instance }}`,
            },
            ...(channel.username === undefined
              ? {}
              : { auth_username: channel.username, auth_password_file: passwordPath }),
          },
        ]
      : [],
  );
  const webhook = channels.flatMap((channel) =>
    channel.type === "webhook" ? [{ url: channel.url, send_resolved: true }] : [],
  );
  return {
    ...(email.length > 0 ? { email_configs: email } : {}),
    ...(webhook.length > 0 ? { webhook_configs: webhook } : {}),
  };
}

function passwordFile(content: pulumi.Input<string>): HostFile {
  return {
    path: passwordPath,
    content,
    mode: "0600",
    owner: "alertmanager",
    group: "alertmanager",
    sensitive: true,
    activates: [unit],
  };
}
