import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { type Contribution, executable, plainFile } from "../hosts/contribution.ts";
import { programDirectory } from "../hosts/paths.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { keyPairFiles } from "../hosts/tls.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Site } from "../site.ts";
import { webAddress } from "./addresses.ts";
import { configuration, templatesPath } from "./alertmanager/configuration.ts";
import { type SecretOf, secretFiles } from "./alertmanager/secrets.ts";
import { loginFile, type MonitoringLogin } from "./login.ts";

const unit = "alertmanager.service";
const directory = "/etc/alertmanager";
const webPath = `${directory}/web.yml`;

export interface AlertmanagerArgs {
  readonly site: Site;
  readonly secretOf: SecretOf;
  readonly identity: KeyPair;
  readonly login: MonitoringLogin;
}

/** Alertmanager on the monitoring host, with routes, receivers and inhibition computed from the site. */
export function alertmanager({ site, secretOf, identity, login }: AlertmanagerArgs): Contribution {
  const { monitoring, binaries } = site;
  return {
    // The clocks of time intervals.
    packages: ["tzdata"],
    users: [{ name: "alertmanager", home: "/var/lib/alertmanager" }],
    directories: [
      { path: "/var/lib/alertmanager", mode: "0750", owner: "alertmanager", group: "alertmanager" },
      { path: directory, mode: "0755", owner: "root", group: "root" },
      { path: `${directory}/templates`, mode: "0755", owner: "root", group: "root" },
    ],
    files: [
      executable(`${programDirectory}/alertmanager`, binaries.alertmanager, [unit]),
      plainFile(`${directory}/alertmanager.yml`, stringify(configuration(site)), [unit]),
      plainFile(templatesPath, templates(), [unit]),
      loginFile(webPath, "alertmanager", login),
      ...keyPairFiles("alertmanager", "alertmanager", identity),
      ...secretFiles(site, secretOf),
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

/** What messages look like. */
export function templates(): string {
  return readFileSync(new URL("alertmanager/lab.tmpl", import.meta.url), "utf8");
}
