import * as pulumi from "@pulumi/pulumi";
import type { SecretOf } from "../monitoring/alertmanager/secrets.ts";
import * as pbs from "../pbs/sdk.ts";
import { Remote, SyncJob } from "../pbs/sdk-services.ts";
import type { Site } from "../site.ts";
import { BackupNotifications } from "./notifications.ts";

export interface BackupServerArgs {
  readonly siteName: string;
  readonly pbs: Site["pbs"];
  readonly retentions: Site["retentions"];
  /** Whether backups may go together with the site. */
  readonly disposable: boolean;
  /** Secret, by sync job. */
  readonly syncPassword: (id: string) => pulumi.Input<string> | undefined;
  /** Who is told of what fails. */
  readonly channels: Site["monitoring"]["channels"];
  /** Secret, of the mail channels that have a username. */
  readonly smtpPassword: pulumi.Input<string> | undefined;
  /** Secret, of the other channels. */
  readonly channelSecret: SecretOf;
}

const clientUser = "lab-pve@pbs";

/**
 * What Proxmox Backup Server keeps: datastores, a namespace for each retention with its prune job, verification, and
 * a token for the nodes that may write backups but can remove none.
 */
export class BackupServer extends pulumi.ComponentResource {
  /** `lab-pve@pbs!nodes` */
  readonly clientTokenId: pulumi.Output<string>;
  /** Secret. */
  readonly clientTokenSecret: pulumi.Output<string>;

  constructor(name: string, args: BackupServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:backup:BackupServer", name, {}, opts);
    const { retentions, disposable } = args;
    const child = { parent: this };

    const datastores = new Map(
      Object.entries(args.pbs.datastores).map(([store, settings]) => [
        store,
        new pbs.Datastore(
          store,
          {
            name: store,
            path: settings.path,
            comment: `Backups of the ${args.siteName} site`,
            gcSchedule: settings.gcSchedule,
            verifyNew: settings.verifyNew,
            destroyData: disposable,
            keepJobConfigs: !disposable,
          },
          { ...child, protect: !disposable, retainOnDelete: !disposable },
        ),
      ]),
    );
    const inStore = (store: string) => {
      const datastore = datastores.get(store);
      return { ...child, dependsOn: datastore ? [datastore] : [] };
    };

    for (const [store, { verify }] of Object.entries(args.pbs.datastores)) {
      new pbs.VerifyJob(
        store,
        {
          jobId: `verify-${store}`,
          store,
          schedule: verify.schedule,
          ignoreVerified: true,
          outdatedAfter: verify.outdatedAfterDays,
        },
        inStore(store),
      );
    }
    const places = new Map<string, pbs.Namespace>();
    for (const [retention, rules] of Object.entries(retentions)) {
      const { datastore, namespace, pruneSchedule, ...keep } = rules;
      const place = new pbs.Namespace(
        retention,
        { store: datastore, ns: namespace, deleteGroups: disposable },
        { ...inStore(datastore), protect: !disposable, retainOnDelete: !disposable },
      );
      places.set(retention, place);
      new pbs.PruneJob(
        retention,
        { jobId: `prune-${retention}`, store: datastore, ns: namespace, schedule: pruneSchedule, ...keep },
        { ...child, dependsOn: [place] },
      );
    }

    const user = new pbs.User(
      "nodes",
      { userid: clientUser, comment: "Proxmox nodes that write backups", enable: true },
      child,
    );
    const token = new pbs.ApiToken("nodes", { userid: user.userid, tokenName: "nodes" }, child);
    for (const store of Object.keys(args.pbs.datastores)) {
      // A token may do what both it and its user may, so both need the role.
      for (const [who, authId] of [
        ["user", user.userid],
        ["token", token.tokenId],
      ] as const) {
        new pbs.Acl(
          `${store}-${who}`,
          { path: `/datastore/${store}`, authId, roleId: "DatastoreBackup" },
          inStore(store),
        );
      }
    }

    for (const sync of args.pbs.sync) {
      const retention = retentions[sync.retention];
      const password = args.syncPassword(sync.id);
      if (!retention || password === undefined)
        throw new Error(`sync job ${sync.id} has no retention or password`);
      const { datastore, namespace, tokenId, fingerprint, ...server } = sync.remote;
      const remote = new Remote(
        sync.id,
        {
          name: sync.id,
          ...server,
          authId: tokenId,
          password,
          ...(fingerprint === undefined ? {} : { fingerprint }),
        },
        child,
      );
      new SyncJob(
        sync.id,
        {
          jobId: sync.id,
          store: retention.datastore,
          ns: retention.namespace,
          remote: remote.name,
          remoteStore: datastore,
          ...(namespace === undefined ? {} : { remoteNs: namespace }),
          syncDirection: sync.direction,
          schedule: sync.schedule,
          // Whoever deletes backups there must not delete the copies here, and a damaged one is no copy.
          removeVanished: false,
          verifiedOnly: true,
          // The nodes may restore only what is theirs; what is pushed is theirs already.
          ...(sync.direction === "pull" ? { owner: token.tokenId, resyncCorrupt: true } : {}),
        },
        { ...child, dependsOn: places.get(sync.retention) ?? [] },
      );
    }

    const { siteName, channels, smtpPassword, channelSecret } = args;
    new BackupNotifications(name, { siteName, channels, smtpPassword, channelSecret }, child);

    this.clientTokenId = token.tokenId;
    this.clientTokenSecret = pulumi.secret(
      token.value.apply((value) => {
        if (value === undefined) throw new Error("an imported PBS token has no secret: replace it");
        return value;
      }),
    );
    this.registerOutputs({ clientTokenId: this.clientTokenId });
  }
}
