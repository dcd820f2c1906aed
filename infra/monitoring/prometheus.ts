import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { backupHost } from "../hosts/backup-host.ts";
import { type Contribution, executable, type HostFile, plainFile } from "../hosts/contribution.ts";
import { programDirectory } from "../hosts/paths.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { authorityPath, keyPairFiles, tlsPaths } from "../hosts/tls.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Site } from "../site.ts";
import { webAddress } from "./addresses.ts";
import { inventoryOf } from "./inventory.ts";
import { loginFile, type MonitoringLogin, monitoringUser } from "./login.ts";
import { authModule, remoteDatabases } from "./mysqld-exporter.ts";
import type { RuleFile } from "./rule-files.ts";

const unit = "prometheus.service";
const directory = "/etc/prometheus";
const webPath = `${directory}/web.yml`;
const passwordPath = `${directory}/login-password`;

/** The files with which Prometheus proves itself to exporters. */
const scraper = "scraper";

export interface PrometheusArgs {
  readonly site: Site;
  /** The alert rules. */
  readonly rules: readonly RuleFile[];
  /** What it proves itself with to people and Grafana. */
  readonly identity: KeyPair;
  /** What it proves itself with to exporters. */
  readonly scraperIdentity: KeyPair;
  readonly login: MonitoringLogin;
}

/** Prometheus on the monitoring host, with targets and rules computed from the site. */
export function prometheus({ site, rules, identity, scraperIdentity, login }: PrometheusArgs): Contribution {
  const { monitoring, binaries } = site;
  return {
    users: [{ name: "prometheus", home: "/var/lib/prometheus" }],
    directories: [
      { path: "/var/lib/prometheus", mode: "0750", owner: "prometheus", group: "prometheus" },
      { path: `${directory}/rules`, mode: "0755", owner: "root", group: "root" },
    ],
    files: [
      executable(`${programDirectory}/prometheus`, binaries.prometheus, [unit]),
      plainFile(`${directory}/prometheus.yml`, stringify(configuration(site)), [unit]),
      ...rules.map(({ name, content }) => plainFile(`${directory}/rules/${name}.yml`, content, [unit])),
      loginFile(webPath, "prometheus", login),
      passwordFile(login.password),
      ...keyPairFiles("prometheus", "prometheus", identity),
      ...keyPairFiles(scraper, "prometheus", scraperIdentity),
    ],
    units: [
      {
        name: unit,
        reloadable: true,
        content: renderUnit({
          Unit: { Description: "Prometheus", After: "network-online.target" },
          Service: {
            User: "prometheus",
            ExecStart: [
              `${programDirectory}/prometheus`,
              `--config.file=${directory}/prometheus.yml`,
              "--storage.tsdb.path=/var/lib/prometheus",
              `--storage.tsdb.retention.time=${monitoring.retentionDays}d`,
              `--web.listen-address=:${monitoring.ports.prometheus}`,
              `--web.config.file=${webPath}`,
              // In alerts, for people.
              `--web.external-url=${webAddress(site, "prometheus")}/`,
            ].join(" "),
            ExecReload: "/bin/kill -HUP $MAINPID",
            Restart: "on-failure",
            ReadWritePaths: "/var/lib/prometheus",
            ...hardened,
          },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
    ],
  };
}

/** Read at every scrape of itself and of Alertmanager, and at every alert sent: a change needs no reload. */
function passwordFile(content: pulumi.Input<string>): HostFile {
  return {
    path: passwordPath,
    content,
    mode: "0600",
    owner: "prometheus",
    group: "prometheus",
    sensitive: true,
  };
}

/** What a server must prove: that the lab's authority vouches for the address at which it was called. */
const trust = { ca_file: authorityPath };

/** For exporters of the lab: TLS, and a certificate of one's own. */
const byCertificate = {
  scheme: "https",
  tls_config: { ...trust, cert_file: tlsPaths(scraper).certificate, key_file: tlsPaths(scraper).key },
};

/** For Prometheus and Alertmanager: TLS and the login. */
const byPassword = {
  scheme: "https",
  tls_config: trust,
  basic_auth: { username: monitoringUser, password_file: passwordPath },
};

/** The scrape configuration: every target is called by its guest's name, so that alerts name machines, not ports. */
export function configuration(site: Site): object {
  const { monitoring, databases } = site;
  const { ports } = monitoring;
  const backup = backupHost(site);
  const addressOf = new Map(
    [...site.guests, ...(backup ? [backup] : [])].map(({ name, address }) => [name, address]),
  );
  const target = (guest: string, port: number, labels: Record<string, string> = {}) => ({
    targets: [`${addressOf.get(guest)}:${port}`],
    labels: { instance: guest, ...labels },
  });
  const { hosts } = inventoryOf(site);
  const ownExporters = databases.others.filter(({ exporterHost }) => exporterHost === undefined);
  return {
    global: {
      scrape_interval: `${monitoring.scrapeIntervalSeconds}s`,
      evaluation_interval: `${monitoring.evaluationIntervalSeconds}s`,
      external_labels: { site: site.name },
    },
    rule_files: [`${directory}/rules/*.yml`],
    alerting: {
      alertmanagers: [
        {
          ...byPassword,
          static_configs: [{ targets: [`${addressOf.get(monitoring.host)}:${ports.alertmanager}`] }],
        },
      ],
    },
    scrape_configs: [
      { job_name: "prometheus", ...byPassword, static_configs: [target(monitoring.host, ports.prometheus)] },
      {
        job_name: "alertmanager",
        ...byPassword,
        static_configs: [target(monitoring.host, ports.alertmanager)],
      },
      { job_name: "node", ...byCertificate, static_configs: hosts.map((host) => target(host, ports.node)) },
      {
        job_name: "postgres",
        ...byCertificate,
        static_configs: databases.postgres.flatMap((cluster) =>
          [cluster.primary, ...cluster.standbys].map((host) =>
            target(host, ports.postgres, { cluster: cluster.name }),
          ),
        ),
      },
      ...remoteDatabases(site).map((database) => remoteScrape(database, addressOf)),
      ...ownExporters.map(({ guest, engine, port, metricsPath }) => ({
        // Prometheus refuses two jobs of one name; the label says which kind it is.
        job_name: `${engine}-${guest}`,
        metrics_path: metricsPath,
        static_configs: [target(guest, port, { job: engine })],
      })),
    ],
  };
}

/** A database that an exporter on another guest asks about; the target keeps the name of the database's guest. */
function remoteScrape(
  { guest, engine, port, databasePort, exporterHost }: ReturnType<typeof remoteDatabases>[number],
  addressOf: ReadonlyMap<string, string>,
): object {
  return {
    // One job a database, since the login is a parameter of the job; the label says which kind it is.
    job_name: `${engine}-${guest}`,
    ...byCertificate,
    metrics_path: "/probe",
    params: { target: [`${addressOf.get(guest)}:${databasePort}`], auth_module: [authModule(guest)] },
    static_configs: [
      {
        targets: [`${addressOf.get(exporterHost)}:${port}`],
        labels: { instance: guest, job: engine },
      },
    ],
  };
}
