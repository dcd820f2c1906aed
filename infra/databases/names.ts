import { authorityPath } from "../hosts/tls.ts";
import type { Guest, PostgresCluster } from "../site.ts";

/** Where a PostgreSQL server's delivered configuration lies. */
export const settingsDirectory = "/etc/lab/postgresql";

/** What the files of the server's certificate and key are called. */
export const serverTls = "postgresql";

/** What a standby logs in with at its primary. */
export const replicationPasswordPath = `${settingsDirectory}/replication.pgpass`;

/** Where a standby gets its data from. */
export interface Upstream {
  /** The primary's full name, which its certificate is for. */
  readonly name: string;
  readonly address: string;
  /** The standby's own name, by which the primary knows it. */
  readonly standby: string;
  /** The physical replication slot that the primary keeps for this standby. */
  readonly slot: string;
}

/** The account that the backup runtime runs as; peer authentication maps it to the backup role. */
export const runtimeUser = "dbkeeper";

/** Its home. */
export const runtimeHome = "/var/lib/dbkeeper";

/** The account that maintains the databases; peer authentication maps it to the maintenance role. */
export const maintenanceUser = "dbkeeper-maintain";

/** The account that looks at the server and its log; peer authentication maps it to the monitoring role. */
export const observerUser = "dbkeeper-observe";

/** The account that postgres_exporter runs as; peer authentication maps it to the monitoring role. */
export const exporterUser = "postgres_exporter";

/** The service of a cluster's server on Debian and Ubuntu. */
export function serverUnit(cluster: PostgresCluster): string {
  return `postgresql@${cluster.version}-main.service`;
}

/** Folder of the server's log on Debian and Ubuntu, and the log, which the group `adm` may read. */
export const logDirectory = "/var/log/postgresql";
export const serverLog = ({ version }: PostgresCluster) => `${logDirectory}/postgresql-${version}-main.log`;

/** How a standby reaches its primary: at an address that needs no name service, and only if it proves its name. */
export function upstreamConninfo({ roles, port }: PostgresCluster, primary: Upstream): string {
  return [
    // The name is what the certificate is checked against; the address is where the connection goes.
    `host=${primary.name}`,
    `hostaddr=${primary.address}`,
    `port=${port}`,
    `user=${roles.replication}`,
    `application_name=${primary.standby}`,
    `passfile=${replicationPasswordPath}`,
    "sslmode=verify-full",
    `sslrootcert=${authorityPath}`,
    "connect_timeout=10",
  ].join(" ");
}

/** The name of the physical replication slot that a primary keeps for a standby. */
export function slotName(standby: Guest): string {
  return standby.name.replaceAll("-", "_");
}
