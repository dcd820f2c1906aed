import type * as pulumi from "@pulumi/pulumi";
import type { AccessKey } from "./archive/archive.ts";
import type { ArchiveStore, OffsiteArgs } from "./databases/archive.ts";
import { dumps } from "./databases/dumps.ts";
import { maintenance } from "./databases/maintenance.ts";
import { serverTls } from "./databases/names.ts";
import { observation } from "./databases/observation.ts";
import { physicalBackups } from "./databases/physical-backups.ts";
import { postgresServer } from "./databases/postgres.ts";
import { reportChannels } from "./databases/reports.ts";
import { backupRuntime } from "./databases/runtime.ts";
import { type BackupHost, backupHostChecks } from "./hosts/backup-host.ts";
import { backupVolume } from "./hosts/backup-volume.ts";
import { certificateMetrics, type TlsService } from "./hosts/certificate-metrics.ts";
import { hostName, type LabCertificates } from "./hosts/certificates.ts";
import { firstBootPackages } from "./hosts/cloud-init.ts";
import { type Contribution, type Merged, merge } from "./hosts/contribution.ts";
import { firewall } from "./hosts/firewall.ts";
import { hardening } from "./hosts/hardening.ts";
import type { KeyPair } from "./hosts/provider/certificate-sdk.ts";
import { inboundRelations } from "./hosts/relations.ts";
import { trustedAuthorities } from "./hosts/tls.ts";
import type { SecretOf } from "./monitoring/alertmanager/secrets.ts";
import { alertmanager } from "./monitoring/alertmanager.ts";
import { nodeExporter, postgresExporter } from "./monitoring/exporters.ts";
import { grafanaServer } from "./monitoring/grafana-server.ts";
import type { MonitoringLogin } from "./monitoring/login.ts";
import { mysqldExporter, remoteDatabases } from "./monitoring/mysqld-exporter.ts";
import { prometheus } from "./monitoring/prometheus.ts";
import { type ProxwatchArgs, proxwatch } from "./monitoring/proxwatch.ts";
import type { RuleFile } from "./monitoring/rule-files.ts";
import type { Guest, PostgresCluster, Site } from "./site.ts";

export interface ContentsArgs {
  readonly site: Site;
  /** The path of the backup runtime, one JavaScript file. */
  readonly runtimeBundle: string;
  /** What Prometheus alerts by. */
  readonly rules: readonly RuleFile[];
  /** What the monitoring host looks at the cluster and the backup server with. */
  readonly watch: ProxwatchArgs["watch"];
  /** Secret; by cluster. */
  readonly replicationPasswords: ReadonlyMap<string, pulumi.Input<string>>;
  /** Secret; of the physical backups, by cluster. */
  readonly backupPassphrases: ReadonlyMap<string, pulumi.Input<string>>;
  /** Secret; what the key of a cluster's encrypted dumps follows from, by cluster. */
  readonly dumpKeySecrets?: ReadonlyMap<string, pulumi.Input<string>>;
  /** Secret; by purpose and writer, for example `dumps/proj-pg01`. */
  readonly archiveWriters: ReadonlyMap<string, AccessKey>;
  /** Absent for AWS. */
  readonly archiveStore?: ArchiveStore | undefined;
  readonly smtpPassword: pulumi.Input<string> | undefined;
  /** Secret; of the channels of alerts, by the stack's name of it. */
  readonly channelSecret: SecretOf;
  readonly certificates: LabCertificates;
  readonly monitoringLogin: MonitoringLogin;
  /** Secret; of databases whose exporter runs on another guest, by their guest. */
  readonly databasePasswords: ReadonlyMap<string, pulumi.Input<string>>;
  /** Secret; of Grafana's administrator, where the site has it installed. */
  readonly grafanaPassword?: pulumi.Input<string> | undefined;
}

/** What each host gets: the contributions of every role that the site gives it. */
export function hostContents(args: ContentsArgs): ReadonlyMap<string, Merged> {
  const { site, certificates } = args;
  const relations = inboundRelations(site);
  return new Map(
    site.guests
      .filter(({ managed, os }) => managed && os === "linux")
      .map((guest) => [guest, databaseRoles(args, guest)] as const)
      .map(([guest, database]) => [
        guest.name,
        merge(guest.name, [
          base,
          firewall(relations.get(guest.name) ?? []),
          ...hardening(site, guest),
          ...backupVolume(site, guest, database),
          trustedAuthorities(certificates.trusted),
          nodeExporter(site, identityOf(certificates.hosts, guest.name)),
          ...database,
          ...monitoringRoles(args, guest, database.length > 0),
          ...mysqldExporter({
            site,
            guest,
            identity: identityOf(certificates.hosts, guest.name),
            passwords: args.databasePasswords,
          }),
          certificateMetrics(tlsServices(site, guest)),
        ]),
      ]),
  );
}

/** What the host of the backup server gets: it is somebody else's machine, so nothing but what watches it. */
export function backupHostContents({ site, certificates }: ContentsArgs, host: BackupHost): Merged {
  return merge(host.name, [
    trustedAuthorities(certificates.trusted),
    nodeExporter(site, identityOf(certificates.hosts, host.name)),
    backupHostChecks(host),
    certificateMetrics([{ name: "node_exporter", port: site.monitoring.ports.node }]),
  ]);
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
  const { site, replicationPasswords, certificates } = args;
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
          primaryName: hostName(site, guestNamed(site, cluster.primary)),
          identity: identityOf(certificates.databases, guest.name),
          replicationPassword,
        }),
        postgresExporter(site, cluster, identityOf(certificates.hosts, guest.name)),
        ...runtime(args, cluster, guest),
      ];
    });
}

/**
 * Dumps are taken from the primary: each is proven by a restore beside it, and a standby cannot be written to. What
 * maintains the databases is on every member, so that it goes on after a failover.
 */
function runtime(args: ContentsArgs, cluster: PostgresCluster, guest: Guest): Contribution[] {
  const { runtimeBundle: bundle, site, smtpPassword, channelSecret } = args;
  const { binaries, monitoring } = site;
  const isPrimary = guest.name === cluster.primary;
  const { channels } = monitoring;
  const tell = reportChannels({ channels, smtpPassword, channelSecret, hostName: hostName(site, guest) });
  const keySecret = args.dumpKeySecrets?.get(cluster.name);
  const taken = isPrimary
    ? dumps({
        cluster,
        objective: site.objectives[guest.tier],
        offsite: offsiteOf(args, cluster, guest),
        keySecret,
      })
    : undefined;
  return [
    tell.contribution,
    backupRuntime({
      cluster,
      node: binaries.node,
      bundle,
      monitoring,
      channels: tell.configuration,
      dumps: taken?.configuration,
    }),
    maintenance(cluster, isPrimary),
    observation(cluster),
    ...(taken === undefined ? [] : [taken.contribution, physical(args, cluster, guest)]),
  ];
}

function physical({ backupPassphrases }: ContentsArgs, cluster: PostgresCluster, guest: Guest): Contribution {
  const passphrase = backupPassphrases.get(cluster.name);
  if (passphrase === undefined) throw new Error(`cluster ${cluster.name} has no passphrase for its backups`);
  return physicalBackups({ cluster, guest, passphrase });
}

function offsiteOf(
  { site: { archive }, archiveWriters, archiveStore: store }: ContentsArgs,
  { dump }: PostgresCluster,
  { name: writer }: Guest,
): OffsiteArgs | undefined {
  if (dump.offsite === "none") return undefined;
  const key = archiveWriters.get(`dumps/${writer}`);
  if (key === undefined) throw new Error(`${writer} is no writer of the bucket of dumps`);
  return { archive, writer, key, store };
}

function monitoringRoles(args: ContentsArgs, guest: Guest, isDatabase: boolean): Contribution[] {
  const { site, channelSecret: secretOf, certificates, monitoringLogin: login, grafanaPassword } = args;
  if (guest.name !== site.monitoring.host) return [];
  const identity = identityOf(certificates.hosts, guest.name);
  return [
    alertmanager({ site, secretOf, identity, login }),
    prometheus({ site, rules: args.rules, identity, scraperIdentity: certificates.scraper, login }),
    proxwatch({ site, watch: args.watch, hasNode: isDatabase }),
    ...(grafanaPassword === undefined
      ? []
      : [grafanaServer({ site, identity, adminPassword: grafanaPassword })]),
  ];
}

/** What shows a certificate on a host. */
function tlsServices(site: Site, guest: Guest): TlsService[] {
  const { databases, monitoring } = site;
  const { ports } = monitoring;
  const mysql = remoteDatabases(site).find(({ exporterHost }) => exporterHost === guest.name);
  const clusters = databases.postgres.filter(({ primary, standbys }) =>
    [primary, ...standbys].includes(guest.name),
  );
  return [
    { name: "node_exporter", port: ports.node },
    ...clusters.flatMap(({ port }): TlsService[] => [
      { name: "postgres_exporter", port: ports.postgres },
      { name: serverTls, port, startTls: "postgres" },
    ]),
    ...(mysql ? [{ name: "mysqld_exporter", port: mysql.port }] : []),
    ...(guest.name === monitoring.host
      ? [
          { name: "alertmanager", port: ports.alertmanager },
          { name: "prometheus", port: ports.prometheus },
          ...(monitoring.grafana.install ? [{ name: "grafana", port: ports.grafana }] : []),
        ]
      : []),
  ];
}

function identityOf(identities: ReadonlyMap<string, KeyPair>, guest: string): KeyPair {
  const identity = identities.get(guest);
  if (!identity) throw new Error(`guest ${guest} has no certificate`);
  return identity;
}

function guestNamed(site: Site, name: string): Guest {
  const guest = site.guests.find((candidate) => candidate.name === name);
  if (!guest) throw new Error(`the site has no guest ${name}`);
  return guest;
}
