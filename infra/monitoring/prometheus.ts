import { stringify } from "yaml";
import { renderRuleFile, ruleGroups } from "../../alert-rules/render.ts";
import type { Inventory } from "../../alert-rules/rule.ts";
import { type Contribution, executable, plainFile } from "../hosts/contribution.ts";
import { programDirectory } from "../hosts/paths.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Site } from "../site.ts";

const unit = "prometheus.service";
const directory = "/etc/prometheus";

/** Prometheus on the monitoring host, with targets and rules computed from the site. */
export function prometheus(site: Site): Contribution {
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
      ...ruleGroups(inventoryOf(site)).map((group) =>
        plainFile(`${directory}/rules/${group.name}.yml`, renderRuleFile(group), [unit]),
      ),
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

/** What the alert rules have to know of a site. */
export function inventoryOf(site: Site): Inventory {
  return {
    hosts: site.guests.filter(({ managed, os }) => managed && os === "linux").map(({ name }) => name),
    clusters: site.databases.postgres.map(({ name, primary, standbys, databases }) => ({
      name,
      primary,
      standbys,
      databases,
      maximumDumpAgeHours: site.monitoring.maximumDumpAgeHours,
    })),
    scrapeIntervalSeconds: site.monitoring.scrapeIntervalSeconds,
  };
}

/** The scrape configuration: every target is called by its guest's name, so that alerts name machines, not ports. */
export function configuration(site: Site): object {
  const { monitoring, databases } = site;
  const { ports } = monitoring;
  const addressOf = new Map(site.guests.map(({ name, address }) => [name, address]));
  const target = (guest: string, port: number, labels: Record<string, string> = {}) => ({
    targets: [`${addressOf.get(guest)}:${port}`],
    labels: { instance: guest, ...labels },
  });
  const { hosts } = inventoryOf(site);
  return {
    global: {
      scrape_interval: `${monitoring.scrapeIntervalSeconds}s`,
      evaluation_interval: `${monitoring.evaluationIntervalSeconds}s`,
      external_labels: { site: site.name },
    },
    rule_files: [`${directory}/rules/*.yml`],
    alerting: {
      alertmanagers: [{ static_configs: [{ targets: [`localhost:${ports.alertmanager}`] }] }],
    },
    scrape_configs: [
      { job_name: "prometheus", static_configs: [target(monitoring.host, ports.prometheus)] },
      { job_name: "alertmanager", static_configs: [target(monitoring.host, ports.alertmanager)] },
      { job_name: "node", static_configs: hosts.map((host) => target(host, ports.node)) },
      {
        job_name: "postgres",
        static_configs: databases.postgres.flatMap((cluster) =>
          [cluster.primary, ...cluster.standbys].map((host) =>
            target(host, ports.postgres, { cluster: cluster.name }),
          ),
        ),
      },
      ...databases.others.map(({ guest, engine, port, metricsPath }) => ({
        job_name: engine,
        metrics_path: metricsPath,
        static_configs: [target(guest, port)],
      })),
    ],
  };
}
