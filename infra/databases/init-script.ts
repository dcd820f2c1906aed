import type { Guest, PostgresCluster } from "../site.ts";
import { settingsDirectory } from "./names.ts";

/** Where a standby copies its data from. */
export interface Upstream {
  readonly primary: Guest;
  /** The physical replication slot that the primary keeps for it. */
  readonly slot: string;
}

/**
 * The script that makes a cluster where there is none. It never touches a data directory that exists: a standby that
 * was promoted, or a primary restored by hand, stays what it is. A copy that was interrupted is thrown away and taken
 * again, because it only gets its final name when complete.
 */
export function initScript(cluster: PostgresCluster, upstream: Upstream | undefined): string {
  const { version } = cluster;
  const data = `/var/lib/postgresql/${version}/main`;
  const settings = `/etc/postgresql/${version}/main`;
  return `#!/bin/sh
set -eu

if [ ! -s ${data}/PG_VERSION ]; then
${upstream ? copyPrimary(cluster, upstream, data) : `  pg_createcluster --port ${cluster.port} ${version} main -- --data-checksums`}
fi
if [ ! -e ${settings}/postgresql.conf ]; then
  pg_createcluster --port ${cluster.port} ${version} main
fi

install --directory --owner postgres --group postgres --mode 0755 ${settings}/conf.d
printf "include '%s'\\n" ${settingsDirectory}/postgresql.conf > ${settings}/conf.d/lab.conf.new
chown postgres:postgres ${settings}/conf.d/lab.conf.new
mv ${settings}/conf.d/lab.conf.new ${settings}/conf.d/lab.conf
`;
}

function copyPrimary(
  { roles, port, version }: PostgresCluster,
  { primary, slot }: Upstream,
  data: string,
): string {
  const conninfo = [
    `host=${primary.address}`,
    `port=${port}`,
    `user=${roles.replication}`,
    `passfile=${settingsDirectory}/replication.pgpass`,
    "sslmode=require",
    "connect_timeout=10",
  ].join(" ");
  return `  install --directory --owner postgres --group postgres --mode 0755 /var/lib/postgresql/${version}
  rm -rf ${data}.copy
  runuser -u postgres -- /usr/lib/postgresql/${version}/bin/pg_basebackup --no-password \\
    --dbname "${conninfo}" --pgdata ${data}.copy \\
    --wal-method stream --checkpoint fast --slot ${slot} --write-recovery-conf
  # Debian keeps the configuration outside of the data, so a copy has none; pg_createcluster moves these three away.
  install --owner postgres --group postgres --mode 0644 \\
    /usr/share/postgresql/${version}/postgresql.conf.sample ${data}.copy/postgresql.conf
  printf "include_dir = 'conf.d'\\n" >> ${data}.copy/postgresql.conf
  install --owner postgres --group postgres --mode 0640 /dev/null ${data}.copy/pg_hba.conf
  install --owner postgres --group postgres --mode 0640 /dev/null ${data}.copy/pg_ident.conf
  sync --file-system ${data}.copy
  mv ${data}.copy ${data}`;
}
