import type { Guest, PostgresCluster } from "../site.ts";

/** Where a PostgreSQL server's delivered configuration lies. */
export const settingsDirectory = "/etc/lab/postgresql";

/** The account that the backup runtime runs as; peer authentication maps it to the backup role. */
export const runtimeUser = "dbkeeper";

/** The account that postgres_exporter runs as; peer authentication maps it to the monitoring role. */
export const exporterUser = "postgres_exporter";

/** The service of a cluster's server on Debian and Ubuntu. */
export function serverUnit(cluster: PostgresCluster): string {
  return `postgresql@${cluster.version}-main.service`;
}

/** The name of the physical replication slot that a primary keeps for a standby. */
export function slotName(standby: Guest): string {
  return standby.name.replaceAll("-", "_");
}
