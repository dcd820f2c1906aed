import type * as pulumi from "@pulumi/pulumi";
import { type Contribution, plainFile } from "../hosts/contribution.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { keyPairFiles, tlsPaths } from "../hosts/tls.ts";
import type { Site } from "../site.ts";
import { webAddress } from "./addresses.ts";

/** The account that Grafana makes at its first start. */
export const grafanaAdmin = "admin";

const service = "grafana";
const unit = "grafana-server.service";
const settingsPath = "/etc/lab/grafana.ini";
const passwordPath = "/etc/lab/grafana-admin-password";
/** A file of the package's own, which this one is read after. */
const environmentPath = "/etc/lab/grafana.env";

export interface GrafanaServerArgs {
  readonly site: Site;
  /** What it proves itself with to people and Pulumi. */
  readonly identity: KeyPair;
  /** Secret. Taken at the first start only: Grafana keeps its own accounts from then on. */
  readonly adminPassword: pulumi.Input<string>;
}

/**
 * Grafana's server from its own package archive, on the monitoring host. What it shows is made through its API, as on
 * any other Grafana.
 */
export function grafanaServer({ site, identity, adminPassword }: GrafanaServerArgs): Contribution {
  return {
    packages: ["grafana"],
    files: [
      plainFile(settingsPath, settings(site), [unit]),
      // The package's own grafana.ini stays as it is, so that an upgrade has nothing to ask.
      plainFile(environmentPath, `CONF_FILE=${settingsPath}\n`, [unit]),
      plainFile(`/etc/systemd/system/${unit}.d/lab.conf`, `[Service]\nEnvironmentFile=${environmentPath}\n`, [
        unit,
      ]),
      {
        path: passwordPath,
        content: adminPassword,
        mode: "0600",
        owner: service,
        group: service,
        sensitive: true,
      },
      ...keyPairFiles(service, service, identity, [unit]),
    ],
    units: [{ name: unit }],
  };
}

function settings(site: Site): string {
  const paths = tlsPaths(service);
  const sections = {
    server: {
      protocol: "https",
      http_port: site.monitoring.ports.grafana,
      root_url: `${webAddress(site, "grafana")}/`,
      cert_file: paths.certificate,
      cert_key: paths.key,
      min_tls_version: "TLS1.3",
    },
    security: {
      admin_user: grafanaAdmin,
      admin_password: `$__file{${passwordPath}}`,
      cookie_secure: true,
      disable_gravatar: true,
    },
    users: { allow_sign_up: false, allow_org_create: false },
    "auth.anonymous": { enabled: false },
    // Nothing about the lab goes to anybody, and no program comes from anywhere but the package archive.
    analytics: { reporting_enabled: false, check_for_updates: false, check_for_plugin_updates: false },
    snapshots: { external_enabled: false },
    plugins: { preinstall_disabled: true },
  };
  return Object.entries(sections)
    .map(
      ([name, values]) =>
        `[${name}]\n${Object.entries(values)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join("")}`,
    )
    .join("\n");
}
