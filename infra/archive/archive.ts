import type { Key } from "@pulumi/aws/kms/index.js";
import * as pulumi from "@pulumi/pulumi";
import { iam, kms } from "../packages.ts";
import type { Site } from "../site.ts";
import { ArchiveBucket } from "./bucket.ts";
import { LogBucket } from "./logs.ts";
import { RestoreNotices } from "./notices.ts";
import { type PolicyDocument, putOnly, readOnly } from "./policies.ts";
import { Replication } from "./replication.ts";

export interface ArchiveArgs {
  readonly siteName: string;
  readonly archive: Site["archive"];
  readonly disposable: boolean;
}

/** Credentials of one S3 user. */
export interface AccessKey {
  readonly id: pulumi.Output<string>;
  /** Secret. */
  readonly secret: pulumi.Output<string>;
}

type Purpose = keyof Site["archive"]["buckets"];
const purposes: readonly Purpose[] = ["dumps", "configuration", "images"];

/**
 * The off-site archive: a bucket for each purpose, one put-only user for each writer, one reader for recovery, a bucket
 * of access logs and inventories, a topic that tells of completed restores, and copies in other regions where the site
 * wants them.
 */
export class Archive extends pulumi.ComponentResource {
  readonly bucketNames: Readonly<Record<Purpose, pulumi.Output<string>>>;
  /** By purpose and writer, for example `dumps/proj-pg01`. */
  readonly writers: ReadonlyMap<string, AccessKey>;
  readonly reader: AccessKey;

  constructor(name: string, args: ArchiveArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:archive:Archive", name, {}, opts);
    const { archive, disposable, siteName } = args;
    const key = this.createKey(name, siteName, disposable);
    const shared = {
      sources: purposes.map((purpose) => archive.buckets[purpose].name),
      keyArn: key.arn,
      disposable,
    };
    const logs = new LogBucket(`${name}-logs`, { ...shared, settings: archive.logs }, { parent: this });
    const notices = new RestoreNotices(
      `${name}-restores`,
      { ...shared, siteName, subscribers: archive.restoreNotices },
      { parent: this },
    );

    const buckets = new Map(
      purposes.map((purpose) => [
        purpose,
        new ArchiveBucket(
          `${name}-${purpose}`,
          { settings: archive.buckets[purpose], keyArn: key.arn, disposable, logs, notices },
          { parent: this },
        ),
      ]),
    );
    const bucketOf = (purpose: Purpose): ArchiveBucket => {
      const bucket = buckets.get(purpose);
      if (!bucket) throw new Error(`there is no bucket for ${purpose}`);
      return bucket;
    };

    this.writers = new Map(
      purposes.flatMap((purpose) =>
        archive.buckets[purpose].writers.map((writer) => {
          const policy = pulumi
            .all([bucketOf(purpose).arn, key.arn])
            .apply(([bucketArn, keyArn]) => putOnly(bucketArn, writer, keyArn));
          return [
            `${purpose}/${writer}`,
            this.createUser(`${name}-${purpose}-${writer}`, `${siteName}-${purpose}-${writer}`, policy),
          ];
        }),
      ),
    );
    const replicaKeys = this.createReplicaKeys(name, args);
    const replicas = purposes.flatMap((purpose) => {
      const settings = archive.buckets[purpose];
      const { replicateTo } = settings;
      const replicaKey = replicateTo && replicaKeys.get(replicateTo.region);
      if (!replicateTo || !replicaKey) return [];
      const source = bucketOf(purpose);
      const replication = new Replication(
        `${name}-${purpose}-replica`,
        {
          siteName,
          purpose,
          settings,
          replicateTo,
          source,
          sourceKeyArn: key.arn,
          sourceRegion: archive.region,
          replicaKeyArn: replicaKey.arn,
          disposable,
        },
        { parent: this },
      );
      return [replication.replica];
    });

    // A recovery reads the copy where the region of the original is what was lost.
    const readable = [...purposes.map(bucketOf), ...replicas];
    const keys = [key, ...replicaKeys.values()];
    const readPolicy = pulumi
      .all([pulumi.all(readable.map(({ arn }) => arn)), pulumi.all(keys.map(({ arn }) => arn))])
      .apply(([bucketArns, keyArns]) => readOnly(bucketArns, keyArns));
    this.reader = this.createUser(`${name}-reader`, `${siteName}-archive-reader`, readPolicy);

    this.bucketNames = {
      dumps: bucketOf("dumps").bucketName,
      configuration: bucketOf("configuration").bucketName,
      images: bucketOf("images").bucketName,
    };
    this.registerOutputs({ bucketNames: this.bucketNames });
  }

  private createKey(name: string, siteName: string, disposable: boolean): Key {
    const key = new kms.Key(
      name,
      {
        description: `Archive of the ${siteName} site`,
        enableKeyRotation: true,
        // The longest AWS offers: without the key the whole archive is lost.
        deletionWindowInDays: disposable ? 7 : 30,
      },
      { parent: this, protect: !disposable, retainOnDelete: !disposable },
    );
    new kms.Alias(name, { name: `alias/${siteName}-archive`, targetKeyId: key.keyId }, { parent: this });
    return key;
  }

  /** One in each region with a replica: an object is encrypted by a key of the region that it lies in. */
  private createReplicaKeys(name: string, { siteName, archive, disposable }: ArchiveArgs): Map<string, Key> {
    const regions = new Set(
      purposes.flatMap((purpose) => archive.buckets[purpose].replicateTo?.region ?? []),
    );
    return new Map(
      [...regions].map((region) => [
        region,
        new kms.Key(
          `${name}-${region}`,
          {
            description: `Replica of the archive of the ${siteName} site`,
            enableKeyRotation: true,
            deletionWindowInDays: disposable ? 7 : 30,
            region,
          },
          { parent: this, protect: !disposable, retainOnDelete: !disposable },
        ),
      ]),
    );
  }

  private createUser(name: string, userName: string, policy: pulumi.Output<PolicyDocument>): AccessKey {
    const user = new iam.User(name, { name: userName, path: "/lab/" }, { parent: this });
    new iam.UserPolicy(
      name,
      { name: "archive", user: user.name, policy: policy.apply((document) => JSON.stringify(document)) },
      { parent: this },
    );
    const accessKey = new iam.AccessKey(name, { user: user.name }, { parent: this });
    return { id: accessKey.id, secret: pulumi.secret(accessKey.secret) };
  }
}
