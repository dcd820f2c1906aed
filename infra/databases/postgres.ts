import * as pulumi from "@pulumi/pulumi";
import { type Contribution, type HostFile, plainFile } from "../hosts/contribution.ts";
import { renderUnit } from "../hosts/unit.ts";
import type { Guest, PostgresCluster } from "../site.ts";
import { initScript } from "./init-script.ts";
import { serverUnit, settingsDirectory, slotName } from "./names.ts";
import { clientAuthentication, configuration, identityMap, rolesSql } from "./render.ts";

export interface PostgresArgs {
  readonly cluster: PostgresCluster;
  /** The host this is for. */
  readonly guest: Guest;
  readonly primary: Guest;
  readonly standbys: readonly Guest[];
  /** Secret; of the replication role. */
  readonly replicationPassword: pulumi.Input<string>;
}

/** A PostgreSQL server on one host: primary or streaming standby. */
export function postgresServer(args: PostgresArgs): Contribution {
  const { cluster, guest, primary } = args;
  const isPrimary = guest.name === primary.name;
  const server = serverUnit(cluster);
  return {
    packages: [`postgresql-${cluster.version}`],
    directories: [{ path: settingsDirectory, mode: "0755", owner: "root", group: "root" }],
    files: [
      plainFile(`${settingsDirectory}/postgresql.conf`, configuration(cluster, guest), [server]),
      plainFile(`${settingsDirectory}/pg_hba.conf`, clientAuthentication(args), [server]),
      plainFile(`${settingsDirectory}/pg_ident.conf`, identityMap(cluster), [server]),
      {
        path: "/usr/local/lib/lab/postgres-init",
        content: initScript(cluster, isPrimary ? undefined : { primary, slot: slotName(guest) }),
        mode: "0755",
        owner: "root",
        group: "root",
      },
      ...(isPrimary ? [rolesFile(args)] : [passwordFile(args)]),
    ],
    units: [
      {
        name: "lab-postgres-init.service",
        content: renderUnit({
          Unit: {
            Description: "Create the PostgreSQL cluster if there is none",
            Before: server,
            After: "network-online.target",
          },
          Service: { Type: "oneshot", RemainAfterExit: true, ExecStart: "/usr/local/lib/lab/postgres-init" },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
      { name: server },
      ...(isPrimary ? [rolesUnit(cluster)] : []),
    ],
  };
}

function rolesFile({ cluster, standbys, replicationPassword }: PostgresArgs): HostFile {
  return {
    path: `${settingsDirectory}/roles.sql`,
    content: pulumi.output(replicationPassword).apply((password) => rolesSql(cluster, standbys, password)),
    mode: "0600",
    owner: "postgres",
    group: "postgres",
    activates: ["lab-postgres-roles.service"],
    sensitive: true,
  };
}

function passwordFile({ cluster, primary, replicationPassword }: PostgresArgs): HostFile {
  return {
    path: `${settingsDirectory}/replication.pgpass`,
    content: pulumi.interpolate`${primary.address}:${cluster.port}:replication:${cluster.roles.replication}:${replicationPassword}\n`,
    mode: "0600",
    owner: "postgres",
    group: "postgres",
    sensitive: true,
  };
}

function rolesUnit(cluster: PostgresCluster): { name: string; content: string } {
  return {
    name: "lab-postgres-roles.service",
    content: renderUnit({
      Unit: {
        Description: "Bring PostgreSQL roles, databases and replication slots to what is delivered",
        After: serverUnit(cluster),
        Requires: serverUnit(cluster),
      },
      Service: {
        Type: "oneshot",
        RemainAfterExit: true,
        User: "postgres",
        ExecStart: `/usr/bin/psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --port ${cluster.port} --file ${settingsDirectory}/roles.sql`,
      },
      Install: { WantedBy: "multi-user.target" },
    }),
  };
}
