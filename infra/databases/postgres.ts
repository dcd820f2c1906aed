import * as pulumi from "@pulumi/pulumi";
import { type Contribution, type HostFile, plainFile } from "../hosts/contribution.ts";
import type { KeyPair } from "../hosts/provider/certificate-sdk.ts";
import { keyPairFiles } from "../hosts/tls.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Guest, PostgresCluster } from "../site.ts";
import { initScript, reloadScript } from "./init-script.ts";
import {
  replicationPasswordPath,
  serverTls,
  serverUnit,
  settingsDirectory,
  slotName,
  type Upstream,
} from "./names.ts";
import { clientAuthentication, configuration, identityMap, rolesSql } from "./render.ts";

export interface PostgresArgs {
  readonly cluster: PostgresCluster;
  /** The host this is for. */
  readonly guest: Guest;
  readonly primary: Guest;
  readonly standbys: readonly Guest[];
  /** The primary's full name, which its certificate is for. */
  readonly primaryName: string;
  /** What the server proves itself with. */
  readonly identity: KeyPair;
  /** Secret; of the replication role. */
  readonly replicationPassword: pulumi.Input<string>;
}

/** A PostgreSQL server on one host: primary or streaming standby. */
export function postgresServer(args: PostgresArgs): Contribution {
  const { cluster, guest, primary, primaryName, identity } = args;
  const isPrimary = guest.name === primary.name;
  const server = serverUnit(cluster);
  const upstream: Upstream | undefined = isPrimary
    ? undefined
    : { name: primaryName, address: primary.address, standby: guest.name, slot: slotName(guest) };
  return {
    packages: [`postgresql-${cluster.version}`],
    directories: [{ path: settingsDirectory, mode: "0755", owner: "root", group: "root" }],
    files: [
      plainFile(`${settingsDirectory}/postgresql.conf`, configuration(cluster, guest, upstream), [server]),
      plainFile(`${settingsDirectory}/pg_hba.conf`, clientAuthentication(args), [server]),
      plainFile(`${settingsDirectory}/pg_ident.conf`, identityMap(cluster), [server]),
      {
        path: "/usr/local/lib/lab/postgres-init",
        content: initScript(cluster, upstream),
        mode: "0755",
        owner: "root",
        group: "root",
      },
      ...keyPairFiles(serverTls, "postgres", identity, [reloadUnit]),
      {
        path: reloadPath,
        content: reloadScript(cluster, upstream),
        mode: "0755",
        owner: "root",
        group: "root",
        activates: [reloadUnit],
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
      {
        name: reloadUnit,
        content: renderUnit({
          Unit: { Description: "Have PostgreSQL read its settings and certificates again", After: server },
          Service: { Type: "oneshot", User: "postgres", ExecStart: reloadPath, ...hardened },
        }),
        // Run by deliveries, not at boot: a server that starts has read everything.
        enabled: false,
      },
      ...(isPrimary ? [rolesUnit(cluster)] : []),
    ],
  };
}

/** A change of the settings restarts the server; a renewed certificate only starts this. */
const reloadUnit = "lab-postgres-reload.service";
const reloadPath = "/usr/local/lib/lab/postgres-reload";

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

function passwordFile({ cluster, primaryName, replicationPassword }: PostgresArgs): HostFile {
  return {
    path: replicationPasswordPath,
    content: pulumi.interpolate`${primaryName}:${cluster.port}:replication:${cluster.roles.replication}:${replicationPassword}\n`,
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
