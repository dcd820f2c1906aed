import { nodeCollectorFlags, postgresCollectorFlags } from "../../alert-rules/metrics/collectors.ts";
import { exporterUser, serverUnit } from "../databases/names.ts";
import { scraperName } from "../hosts/certificates.ts";
import { type Contribution, executable, plainFile } from "../hosts/contribution.ts";
import { programDirectory, textfileDirectory } from "../hosts/paths.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { exporterWebConfiguration, keyPairFiles } from "../hosts/tls.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { PostgresCluster, Site } from "../site.ts";

const nodeWebPath = "/etc/lab/node_exporter-web.yml";
const postgresWebPath = "/etc/lab/postgres_exporter-web.yml";

/** Host metrics, on every Linux guest that the program makes. */
export function nodeExporter(site: Site, identity: KeyPair): Contribution {
  const { binaries, monitoring } = site;
  return {
    users: [{ name: "metrics" }, { name: "node_exporter" }],
    directories: [
      { path: "/var/lib/node_exporter", mode: "0755", owner: "root", group: "root" },
      { path: textfileDirectory, mode: "02775", owner: "root", group: "metrics" },
    ],
    files: [
      executable(`${programDirectory}/node_exporter`, binaries.nodeExporter, ["node_exporter.service"]),
      plainFile(nodeWebPath, exporterWebConfiguration("node_exporter", scraperName(site))),
      ...keyPairFiles("node_exporter", "node_exporter", identity),
    ],
    units: [
      {
        name: "node_exporter.service",
        content: renderUnit({
          Unit: { Description: "Host metrics", After: "network-online.target" },
          Service: {
            User: "node_exporter",
            ExecStart: `${programDirectory}/node_exporter --web.config.file=${nodeWebPath} --web.listen-address=:${monitoring.ports.node} --collector.textfile.directory=${textfileDirectory} ${nodeCollectorFlags().join(" ")}`,
            Restart: "on-failure",
            ...hardened,
          },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
    ],
  };
}

/** PostgreSQL metrics, on every host of a cluster, through the local socket: no password and no open port needed. */
export function postgresExporter(site: Site, cluster: PostgresCluster, identity: KeyPair): Contribution {
  const { binaries, monitoring } = site;
  return {
    users: [{ name: exporterUser }],
    files: [
      executable(`${programDirectory}/postgres_exporter`, binaries.postgresExporter, [
        "postgres_exporter.service",
      ]),
      plainFile(
        "/etc/lab/postgres_exporter.env",
        `DATA_SOURCE_NAME=host=/var/run/postgresql port=${cluster.port} user=${cluster.roles.monitoring} dbname=postgres\n`,
        ["postgres_exporter.service"],
      ),
      plainFile(postgresWebPath, exporterWebConfiguration("postgres_exporter", scraperName(site))),
      ...keyPairFiles("postgres_exporter", exporterUser, identity),
    ],
    units: [
      {
        name: "postgres_exporter.service",
        content: renderUnit({
          Unit: { Description: "PostgreSQL metrics", After: serverUnit(cluster) },
          Service: {
            User: exporterUser,
            EnvironmentFile: "/etc/lab/postgres_exporter.env",
            ExecStart: `${programDirectory}/postgres_exporter --web.config.file=${postgresWebPath} --web.listen-address=:${monitoring.ports.postgres} ${postgresCollectorFlags(cluster.version).join(" ")}`,
            Restart: "on-failure",
            ...hardened,
          },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
    ],
  };
}
