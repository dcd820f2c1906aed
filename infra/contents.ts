import type * as pulumi from "@pulumi/pulumi";
import { postgresServer } from "./databases/postgres.ts";
import { backupRuntime } from "./databases/runtime.ts";
import { firstBootPackages } from "./hosts/cloud-init.ts";
import { type Contribution, type Merged, merge } from "./hosts/contribution.ts";
import { firewall } from "./hosts/firewall.ts";
import { hardening } from "./hosts/hardening.ts";
import { inboundRelations } from "./hosts/relations.ts";
import { alertmanager } from "./monitoring/alertmanager.ts";
import { nodeExporter, postgresExporter } from "./monitoring/exporters.ts";
import { prometheus } from "./monitoring/prometheus.ts";
import type { Guest, PostgresCluster, Site } from "./site.ts";

export interface ContentsArgs {
  readonly site: Site;
  /** The backup runtime as one JavaScript file. */
  readonly runtimeBundle: string;
  /** Secret; by cluster. */
  readonly replicationPasswords: ReadonlyMap<string, pulumi.Input<string>>;
  readonly smtpPassword: pulumi.Input<string> | undefined;
}

/** What each host gets: the contributions of every role that the site gives it. */
export function hostContents(args: ContentsArgs): ReadonlyMap<string, Merged> {
  const { site } = args;
  const relations = inboundRelations(site);
  return new Map(
    site.guests
      .filter(({ managed, os }) => managed && os === "linux")
      .map((guest) => [
        guest.name,
        merge(guest.name, [
          base,
          firewall(relations.get(guest.name) ?? []),
          ...hardening(site, guest),
          nodeExporter(site),
          ...databaseRoles(args, guest),
          ...monitoringRoles(args, guest),
        ]),
      ]),
  );
}

/** Hosts that must be complete first: a standby copies from its primary. */
export function hostOrder(site: Site): ReadonlyMap<string, readonly string[]> {
  return new Map(
    site.databases.postgres.flatMap(({ primary, standbys }) =>
      standbys.map((standby) => [standby, [primary]] as const),
    ),
  );
}

/** Of the first boot, again: a guest may have lost one since. */
const base: Contribution = { packages: firstBootPackages };

function databaseRoles(args: ContentsArgs, guest: Guest): Contribution[] {
  const { site, runtimeBundle, replicationPasswords } = args;
  return site.databases.postgres
    .filter(({ primary, standbys }) => [primary, ...standbys].includes(guest.name))
    .flatMap((cluster) => {
      const replicationPassword = replicationPasswords.get(cluster.name);
      if (replicationPassword === undefined)
        throw new Error(`cluster ${cluster.name} has no replication password`);
      return [
        postgresServer({
          cluster,
          guest,
          primary: guestNamed(site, cluster.primary),
          standbys: cluster.standbys.map((standby) => guestNamed(site, standby)),
          replicationPassword,
        }),
        postgresExporter(site, cluster),
        ...backups(site, cluster, guest, runtimeBundle),
      ];
    });
}

/** Dumps are taken from the primary: each is proven by a restore beside it, and a standby cannot be written to. */
function backups(site: Site, cluster: PostgresCluster, guest: Guest, bundle: string): Contribution[] {
  return guest.name === cluster.primary ? [backupRuntime({ cluster, node: site.binaries.node, bundle })] : [];
}

function monitoringRoles({ site, smtpPassword }: ContentsArgs, guest: Guest): Contribution[] {
  return guest.name === site.monitoring.host ? [alertmanager(site, smtpPassword), prometheus(site)] : [];
}

function guestNamed(site: Site, name: string): Guest {
  const guest = site.guests.find((candidate) => candidate.name === name);
  if (!guest) throw new Error(`the site has no guest ${name}`);
  return guest;
}
