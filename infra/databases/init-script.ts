import type { PostgresCluster } from "../site.ts";
import { replicationPasswordPath, settingsDirectory, type Upstream, upstreamConninfo } from "./names.ts";

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

function copyPrimary(cluster: PostgresCluster, upstream: Upstream, data: string): string {
  const { version } = cluster;
  return `  install --directory --owner postgres --group postgres --mode 0755 /var/lib/postgresql/${version}
  rm -rf ${data}.copy
  runuser -u postgres -- /usr/lib/postgresql/${version}/bin/pg_basebackup --no-password \\
    --dbname "${upstreamConninfo(cluster, upstream)}" --pgdata ${data}.copy \\
    --wal-method stream --checkpoint fast --slot ${upstream.slot}
  # Where it streams from is a delivered setting; that it streams at all is this file's existence.
  install --owner postgres --group postgres --mode 0600 /dev/null ${data}.copy/standby.signal
  # Debian keeps the configuration outside of the data, so a copy has none; pg_createcluster moves these three away.
  install --owner postgres --group postgres --mode 0644 \\
    /usr/share/postgresql/${version}/postgresql.conf.sample ${data}.copy/postgresql.conf
  printf "include_dir = 'conf.d'\\n" >> ${data}.copy/postgresql.conf
  install --owner postgres --group postgres --mode 0640 /dev/null ${data}.copy/pg_hba.conf
  install --owner postgres --group postgres --mode 0640 /dev/null ${data}.copy/pg_ident.conf
  sync --file-system ${data}.copy
  mv ${data}.copy ${data}`;
}

/**
 * The script that has a running server read its settings and certificates again. On a standby it first takes away the
 * upstream that an older version of this program had `pg_basebackup` write down: it would win over the delivered one.
 * One that somebody has set by hand, after a failover for example, stays.
 */
export function reloadScript({ version, port }: PostgresCluster, upstream: Upstream | undefined): string {
  const written = `/var/lib/postgresql/${version}/main/postgresql.auto.conf`;
  const forget = `
if grep --quiet "^primary_conninfo = .*passfile=.*${replicationPasswordPath}.* sslmode=require " ${written}; then
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --port ${port} --dbname postgres \\
    --command "ALTER SYSTEM RESET primary_conninfo" --command "ALTER SYSTEM RESET primary_slot_name"
fi`;
  return `#!/bin/sh
set -eu
${upstream ? `${forget}\n` : ""}
pg_ctlcluster ${version} main reload
`;
}
