import { linePrefix } from "../../scripts/observe/log-events.ts";
import { scratchSchema, scratchTemplate } from "../../scripts/postgres/scratch-name.ts";
import { authorityPath, tlsPaths } from "../hosts/tls.ts";
import type { Guest, PostgresCluster } from "../site.ts";
import {
  exporterUser,
  maintenanceUser,
  observerUser,
  runtimeUser,
  serverTls,
  settingsDirectory,
  slotName,
  type Upstream,
  upstreamConninfo,
} from "./names.ts";
import { archiveSettings, physicalBackupGrants } from "./pgbackrest.ts";
import { archiveTimeoutSeconds } from "./physical-backups.ts";

/**
 * Server settings; a standby also gets where it streams from. Figures without a comment are PostgreSQL's terms for what the site states.
 */
export function configuration(cluster: PostgresCluster, guest: Guest, upstream?: Upstream): string {
  const { port, wal } = cluster;
  const tls = tlsPaths(serverTls);
  const settings: Record<string, string | number> = {
    listen_addresses: `'localhost,${guest.address}'`,
    port,
    hba_file: `'${settingsDirectory}/pg_hba.conf'`,
    ident_file: `'${settingsDirectory}/pg_ident.conf'`,
    password_encryption: "'scram-sha-256'",
    ssl: "'on'",
    ssl_cert_file: `'${tls.certificate}'`,
    ssl_key_file: `'${tls.key}'`,
    ssl_ca_file: `'${authorityPath}'`,
    // Every client library since PostgreSQL 12 speaks it.
    ssl_min_protocol_version: "'TLSv1.3'",
    // A quarter of the memory, as the PostgreSQL manual advises for a dedicated server.
    shared_buffers: `'${Math.floor(guest.memoryMib / 4)}MB'`,
    shared_preload_libraries: "'pg_stat_statements'",
    wal_level: "'replica'",
    max_wal_senders: wal.maxSenders,
    wal_keep_size: `'${wal.keepMib}MB'`,
    // A standby that stays away must not fill the primary's disk through its slot.
    max_slot_wal_keep_size: `'${wal.slotKeepMib}MB'`,
    hot_standby: "'on'",
    log_min_duration_statement: "'500ms'",
    log_lock_waits: "'on'",
    log_connections: "'on'",
    // With the SQLSTATE, by which events are counted, and in the words that are looked for where it does not tell.
    log_line_prefix: `'${linePrefix}%q%u@%d '`,
    lc_messages: "'C'",
    ...(upstream
      ? {
          primary_conninfo: `'${upstreamConninfo(cluster, upstream)}'`,
          primary_slot_name: `'${upstream.slot}'`,
        }
      : archiveSettings(cluster.name, archiveTimeoutSeconds)),
    timezone: "'UTC'",
    log_timezone: "'UTC'",
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

/** Who may connect: local accounts as the role they are mapped to, standbys for replication, and the site's clients, both over TLS. */
export function clientAuthentication({
  cluster,
  primary,
  standbys,
}: {
  readonly cluster: PostgresCluster;
  readonly primary: Guest;
  readonly standbys: readonly Guest[];
}): string {
  const { roles } = cluster;
  const lines = [
    ["local", "all", "postgres", "peer map=lab"],
    ["local", "all", `${roles.backup},${roles.monitoring},${roles.maintenance}`, "peer map=lab"],
    ...[primary, ...standbys].map(({ address }) => [
      "hostssl",
      "replication",
      roles.replication,
      `${address}/32`,
      "scram-sha-256",
    ]),
    ...cluster.clientsFrom.flatMap((from) => {
      const network = from.includes("/") ? from : `${from}/32`;
      const databases = cluster.databases.join(",");
      return [
        // What the lab's own roles are for, they do from elsewhere.
        ["hostssl", databases, ["postgres", ...Object.values(roles)].join(","), network, "reject"],
        ["hostssl", databases, "all", network, "scram-sha-256"],
      ];
    }),
  ];
  return lines.map((line) => `${line.join("\t")}\n`).join("");
}

/** Which operating-system account is which role. */
export function identityMap({ roles }: PostgresCluster): string {
  const pairs = [
    ["postgres", "postgres"],
    // An administrator restores by sudo: root reads the dumps, could become postgres anyway, and runs by no timer.
    ["root", "postgres"],
    [runtimeUser, roles.backup],
    [exporterUser, roles.monitoring],
    [observerUser, roles.monitoring],
    [maintenanceUser, roles.maintenance],
    // Physical backups read the data directory, so they run as its owner.
    ["postgres", roles.backup],
  ];
  return pairs.map(([account, role]) => `lab\t${account}\t${role}\n`).join("");
}

/**
 * SQL that brings roles, databases and slots to what the site states, run as often as one likes. Nothing is dropped:
 * a role or database that is no longer named stays, because deleting data is no side effect of a delivery.
 */
export function rolesSql(
  cluster: PostgresCluster,
  standbys: readonly Guest[],
  replicationPassword: string,
): string {
  const { roles } = cluster;
  const { owners } = cluster.maintenance;
  return [
    // A dump must see every row whatever the row security, and the scratch restores need databases of their own.
    role(roles.backup, "LOGIN NOSUPERUSER CREATEDB BYPASSRLS", ["pg_read_all_data", "pg_monitor"]),
    physicalBackupGrants(roles.backup, cluster.version),
    // pg_read_all_data does not cover large objects.
    `ALTER ROLE ${roles.backup} SET lo_compat_privileges = on;\n`,
    ...owners.map(createRole),
    role(roles.maintenance, "LOGIN NOSUPERUSER", [
      "pg_read_all_stats",
      "pg_read_all_settings",
      "pg_signal_backend",
      ...(cluster.version >= 17 ? ["pg_maintain"] : []),
      ...owners,
    ]),
    role(roles.monitoring, "LOGIN NOSUPERUSER", ["pg_monitor"]),
    // What is in these files it sees anyway, as far as it is in force; their errors only so.
    `GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules(), pg_catalog.pg_show_all_file_settings() TO ${roles.monitoring};\n`,
    role(roles.replication, `LOGIN NOSUPERUSER REPLICATION PASSWORD '${replicationPassword}'`, []),
    ...cluster.databases.map(createDatabase),
    ...standbys.map(
      (standby) =>
        `SELECT pg_create_physical_replication_slot('${slotName(standby)}', true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '${slotName(standby)}');\n`,
    ),
    "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;\n",
    scratchTemplateSql(roles.backup),
  ].join("");
}

/**
 * The database that scratch databases are made from, with the extension that checks indexes, which only a superuser may
 * create. Nobody stays connected to it: that would be in the way of making one.
 */
function scratchTemplateSql(backupRole: string): string {
  return [
    createDatabase(scratchTemplate),
    `ALTER DATABASE ${scratchTemplate} IS_TEMPLATE true ALLOW_CONNECTIONS true;\n`,
    `\\connect ${scratchTemplate}\n`,
    `CREATE SCHEMA IF NOT EXISTS ${scratchSchema};\n`,
    `CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA ${scratchSchema};\n`,
    `GRANT USAGE ON SCHEMA ${scratchSchema} TO ${backupRole};\n`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${scratchSchema} TO ${backupRole};\n`,
    "\\connect postgres\n",
    `ALTER DATABASE ${scratchTemplate} ALLOW_CONNECTIONS false;\n`,
  ].join("");
}

function createDatabase(name: string): string {
  return `SELECT 'CREATE DATABASE ${name} TEMPLATE template0 ENCODING ''UTF8''' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') \\gexec\n`;
}

function createRole(name: string): string {
  return `SELECT 'CREATE ROLE ${name}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') \\gexec\n`;
}

function role(name: string, attributes: string, memberOf: readonly string[]): string {
  return [
    createRole(name),
    `ALTER ROLE ${name} ${attributes};\n`,
    ...memberOf.map((group) => `GRANT ${group} TO ${name};\n`),
  ].join("");
}
