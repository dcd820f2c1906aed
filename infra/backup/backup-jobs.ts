import * as pulumi from "@pulumi/pulumi";
import { proxmoxve } from "../packages.ts";
import type { Site } from "../site.ts";
import { parseEncryptionKey } from "./encryption-key.ts";
import { guestsOf, storageId } from "./protections.ts";

export interface BackupJobsArgs {
  readonly site: Site;
  /** Token of the backup server, as `user@pbs!name`. */
  readonly tokenId: pulumi.Input<string>;
  readonly tokenSecret: pulumi.Input<string>;
  /** SHA-256 of the backup server's certificate; absent where its certificate is signed by a known authority. */
  readonly fingerprint: string | undefined;
  /** The key file for the backups of a retention; where there is none, the first node makes a key. */
  readonly encryptionKey: (retention: string) => pulumi.Output<string> | undefined;
}

/** What the nodes do: a storage for each retention, encrypted before it leaves the node, and a job for each policy. */
export class BackupJobs extends pulumi.ComponentResource {
  /** Ids of the jobs, by policy. */
  readonly jobIds: pulumi.Output<Record<string, string>>;
  /**
   * The encryption keys, by storage. Secret. Whoever has lost these has lost every backup: they must be kept outside
   * the hosts that they protect.
   */
  readonly encryptionKeys: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: BackupJobsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:backup:BackupJobs", name, {}, opts);
    const { site } = args;
    const child = { parent: this };
    for (const { id, retention, direction } of site.pbs.sync) {
      if (direction === "push" || args.encryptionKey(retention) !== undefined) continue;
      void pulumi.log.warn(
        `sync job ${id} brings backups that another site encrypted, and ${storageId(retention)} gets a new key, which opens none of them: set that site's key with \`pulumi config set --secret encryptionKey-${retention}\``,
        this,
      );
    }

    const storages = new Map(
      Object.entries(site.retentions).map(([retention, { datastore, namespace }]) => [
        retention,
        new proxmoxve.storage.Pbs(
          storageId(retention),
          {
            resourceId: storageId(retention),
            server: site.pbs.address,
            datastore,
            namespace,
            username: args.tokenId,
            password: args.tokenSecret,
            contents: ["backup"],
            ...encryption(retention, args.encryptionKey(retention)),
            ...(args.fingerprint === undefined ? {} : { fingerprint: args.fingerprint }),
          },
          // With the storage goes its encryption key.
          {
            ...child,
            protect: !site.disposable,
            additionalSecretOutputs: ["generatedEncryptionKey", "encryptionKey"],
          },
        ),
      ]),
    );

    const jobs = Object.entries(site.policies).flatMap(([policy, settings]) => {
      const guests = guestsOf(site, policy);
      const storage = storages.get(settings.retention);
      if (guests.length === 0 || !storage) return [];
      const job = new proxmoxve.backup.Job(
        policy,
        {
          resourceId: policy,
          schedule: settings.schedule,
          storage: storage.resourceId,
          vmids: guests.map(({ id }) => String(id)),
          mode: settings.mode,
          enabled: true,
          repeatMissed: settings.repeatMissed,
          // PBS prunes; a second pruner here could delete what PBS keeps.
          pruneBackups: { "keep-all": "1" },
          notesTemplate: "{{guestname}} ({{vmid}}) on {{node}}",
        },
        child,
      );
      return [[policy, job] as const];
    });

    this.jobIds = pulumi.output(Object.fromEntries(jobs.map(([policy, job]) => [policy, job.resourceId])));
    this.encryptionKeys = pulumi.secret(
      Object.fromEntries(
        [...storages].map(([retention, storage]) => [
          storageId(retention),
          args.encryptionKey(retention) ?? storage.generatedEncryptionKey,
        ]),
      ),
    );
    this.registerOutputs({ jobIds: this.jobIds });
  }
}

function encryption(
  retention: string,
  key: pulumi.Output<string> | undefined,
): { encryptionKey: pulumi.Output<string> } | { generateEncryptionKey: true } {
  if (key === undefined) return { generateEncryptionKey: true };
  const checked = key.apply((text) => {
    try {
      parseEncryptionKey(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new pulumi.RunError(
        `encryptionKey-${retention} cannot be used: ${reason}; set the key of that storage from the file of \`lab keys export\` with \`pulumi config set --secret encryptionKey-${retention}\``,
      );
    }
    return text;
  });
  return { encryptionKey: pulumi.secret(checked) };
}
