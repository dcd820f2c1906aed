import * as pulumi from "@pulumi/pulumi";
import { bundleRuntime } from "../scripts/bundle.ts";
import { Archive } from "./archive/archive.ts";
import { BackupJobs } from "./backup/backup-jobs.ts";
import { BackupServer } from "./backup/backup-server.ts";
import { escrowChecks } from "./backup/key-escrow.ts";
import { protections } from "./backup/protections.ts";
import { watchToken } from "./backup/watch-token.ts";
import { backupHostContents, hostContents, hostOrder } from "./contents.ts";
import { ageIdentityOf } from "./databases/age.ts";
import { backupHost } from "./hosts/backup-host.ts";
import { Certificates } from "./hosts/certificates.ts";
import { Deliveries, deliveredContents } from "./hosts/deliveries.ts";
import { Machines } from "./hosts/machines.ts";
import { Delivery, Password } from "./hosts/provider/sdk.ts";
import { webAddress } from "./monitoring/addresses.ts";
import { Grafana } from "./monitoring/grafana.ts";
import { grafanaAdmin } from "./monitoring/grafana-server.ts";
import { inventoryOf } from "./monitoring/inventory.ts";
import { type MonitoringLogin, monitoringUser } from "./monitoring/login.ts";
import { remoteDatabases } from "./monitoring/mysqld-exporter.ts";
import { ruleFiles } from "./monitoring/rule-files.ts";
import { type OwnPlugins, startOwnPlugins } from "./own-plugins.ts";
import { createProviders, type InstalledGrafana } from "./providers.ts";
import type { Settings } from "./settings.ts";
import type { Site } from "./site.ts";

/** Everything that the program makes of a site. What it returns are the stack's outputs. */
export async function buildLab(
  site: Site,
  settings: Settings,
  { pbs, monitoringPassword: password }: OwnPlugins = startOwnPlugins(settings),
): Promise<pulumi.Inputs> {
  const { disposable } = site;

  const replicationPasswords = new Map(
    site.databases.postgres.map(({ name }) => [name, new Password(`${name}-replication`).value]),
  );
  const backupPassphrases = new Map(
    site.databases.postgres.map(({ name }) => [
      name,
      new Password(`${name}-backups`, { lengthCharacters: 64 }).value,
    ]),
  );
  const dumpKeySecrets = new Map(
    site.databases.postgres
      .filter(({ encryption }) => encryption !== undefined)
      .map(({ name }) => [name, new Password(`${name}-dumps`, { lengthCharacters: 64 }).value]),
  );
  const certificates = new Certificates("certificates", { site });
  const monitoringLogin: MonitoringLogin = {
    user: monitoringUser,
    password: password.value,
    bcryptHash: password.bcryptHash,
  };
  const ownGrafana = site.monitoring.grafana.install
    ? installedGrafana(site, certificates.trusted)
    : undefined;
  const withProviders = { providers: createProviders(settings, site, pbs, ownGrafana) };
  const databasePasswords = new Map(
    remoteDatabases(site).map(({ guest }) => [guest, new Password(`${guest}-monitoring`).value]),
  );
  const archive = new Archive(
    "archive",
    { siteName: site.name, archive: site.archive, disposable },
    withProviders,
  );

  const machines = new Machines("machines", { site }, withProviders);

  const backupServer = new BackupServer(
    "backup-server",
    {
      siteName: site.name,
      pbs: site.pbs,
      retentions: site.retentions,
      disposable,
      syncPassword: settings.syncPassword,
      channels: site.monitoring.channels,
      smtpPassword: settings.smtpPassword,
      channelSecret: settings.channelSecret,
    },
    withProviders,
  );
  const backupJobs = new BackupJobs(
    "backup-jobs",
    {
      site,
      tokenId: backupServer.clientTokenId,
      tokenSecret: backupServer.clientTokenSecret,
      fingerprint: settings.pbs.fingerprint,
      encryptionKey: settings.encryptionKey,
    },
    // A job may name a guest only once it exists.
    { ...withProviders, dependsOn: [machines] },
  );

  const contentsArgs = {
    site,
    runtimeBundle: await bundleRuntime(),
    rules: await ruleFiles(inventoryOf(site)),
    watch: {
      bundle: await bundleRuntime("proxwatch"),
      proxmox: settings.proxmox,
      pbs: settings.pbs,
      pbsToken: watchToken(site, pbs),
      keyEscrow: pulumi.unsecret(
        pulumi
          .all([backupJobs.encryptionKeys, Object.fromEntries(backupPassphrases)])
          .apply(([keys, passphrases]) => escrowChecks(keys, passphrases, settings.keyEscrow)),
      ),
    },
    replicationPasswords,
    backupPassphrases,
    dumpKeySecrets,
    archiveWriters: archive.writers,
    archiveStore: settings.aws.store,
    smtpPassword: settings.smtpPassword,
    channelSecret: settings.channelSecret,
    certificates,
    monitoringLogin,
    databasePasswords,
    grafanaPassword: ownGrafana?.password,
  };
  const contents = hostContents(contentsArgs);

  const deliveries = new Deliveries("deliveries", {
    site,
    machines: machines.machines,
    deployKey: machines.deployKey,
    contents,
    after: hostOrder(site),
  });

  const backup = backupHost(site);
  if (backup) {
    const { address, connection, name } = backup;
    const { user, sshPort: port, hostKey } = connection;
    const { privateKey } = machines.deployKey;
    new Delivery(name, {
      name: "backup-host",
      connection: { address, port, user, privateKey, hostKey, connectTimeoutSeconds: 30 },
      ...deliveredContents(backupHostContents(contentsArgs, backup)),
    });
  }

  new Grafana(
    "grafana",
    {
      folderTitle: site.monitoring.grafana.folder,
      prometheusUrl: webAddress(site, "prometheus"),
      authority: certificates.trusted,
      login: monitoringLogin,
      thresholds: site.monitoring.thresholds,
      maximumDumpAgeHours: site.monitoring.maximumDumpAgeHours,
    },
    // One that is installed answers once its host is complete.
    { ...withProviders, dependsOn: ownGrafana ? [deliveries] : [] },
  );

  return {
    site: site.name,
    addresses: Object.fromEntries(site.guests.map(({ name, address }) => [name, address])),
    services: {
      prometheus: webAddress(site, "prometheus"),
      alertmanager: webAddress(site, "alertmanager"),
      grafana: ownGrafana?.url ?? settings.grafana?.url,
    },
    certificateAuthorities: certificates.trusted,
    monitoringLogin: pulumi.secret({ user: monitoringUser, password: password.value }),
    ...(ownGrafana
      ? { grafanaLogin: pulumi.secret({ user: ownGrafana.user, password: ownGrafana.password }) }
      : {}),
    databaseMonitoringPasswords: pulumi.secret(Object.fromEntries(databasePasswords)),
    archiveBuckets: archive.bucketNames,
    archiveWriters: pulumi.secret(
      Object.fromEntries([...archive.writers].map(([writer, { id, secret }]) => [writer, { id, secret }])),
    ),
    archiveReader: pulumi.secret({ id: archive.reader.id, secret: archive.reader.secret }),
    backupJobIds: backupJobs.jobIds,
    backupEncryptionKeys: backupJobs.encryptionKeys,
    // For escrow: without it no physical backup of a cluster can be read.
    databaseBackupPassphrases: pulumi.secret(Object.fromEntries(backupPassphrases)),
    // For escrow as well, though each encrypted dump can also be opened by the recipients that the site names.
    ...(dumpKeySecrets.size === 0
      ? {}
      : {
          databaseDumpIdentities: pulumi.secret(
            Object.fromEntries(
              [...dumpKeySecrets].map(([name, secret]) => [
                name,
                secret.apply((text) => ageIdentityOf(text).identity),
              ]),
            ),
          ),
        }),
    deployKey: machines.deployKey.privateKey,
    // For the hosts that the program delivers to without making them.
    deployPublicKey: machines.deployKey.publicKey,
    hostKeys: Object.fromEntries([...machines.machines].map(([name, { hostKey }]) => [name, hostKey])),
    deliveries: Object.fromEntries(
      [...deliveries.deliveries].map(([host, { contentHash }]) => [host, contentHash]),
    ),
    protections: protections(site),
  };
}

function installedGrafana(site: Site, authority: pulumi.Output<string>): InstalledGrafana {
  const { value: password } = new Password("grafana-admin");
  return { url: webAddress(site, "grafana"), user: grafanaAdmin, password, authority };
}
