import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Site } from "../site.ts";
import { ArchiveBucket } from "./bucket.ts";
import { type PolicyDocument, putOnly, readOnly } from "./policies.ts";

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

/** The off-site archive: a bucket for each purpose, one put-only user for each writer, one reader for recovery. */
export class Archive extends pulumi.ComponentResource {
  readonly bucketNames: Readonly<Record<Purpose, pulumi.Output<string>>>;
  /** By purpose and writer, for example `dumps/proj-pg01`. */
  readonly writers: ReadonlyMap<string, AccessKey>;
  readonly reader: AccessKey;

  constructor(name: string, args: ArchiveArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:archive:Archive", name, {}, opts);
    const { archive, disposable, siteName } = args;
    const key = this.createKey(name, siteName, disposable);

    const buckets = new Map(
      purposes.map((purpose) => [
        purpose,
        new ArchiveBucket(
          `${name}-${purpose}`,
          { settings: archive.buckets[purpose], keyArn: key.arn, disposable },
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
    const readPolicy = pulumi
      .all([pulumi.all(purposes.map((purpose) => bucketOf(purpose).arn)), key.arn])
      .apply(([bucketArns, keyArn]) => readOnly(bucketArns, keyArn));
    this.reader = this.createUser(`${name}-reader`, `${siteName}-archive-reader`, readPolicy);

    this.bucketNames = {
      dumps: bucketOf("dumps").bucketName,
      configuration: bucketOf("configuration").bucketName,
      images: bucketOf("images").bucketName,
    };
    this.registerOutputs({ bucketNames: this.bucketNames });
  }

  private createKey(name: string, siteName: string, disposable: boolean): aws.kms.Key {
    const key = new aws.kms.Key(
      name,
      {
        description: `Archive of the ${siteName} site`,
        enableKeyRotation: true,
        // The longest AWS offers: without the key the whole archive is lost.
        deletionWindowInDays: disposable ? 7 : 30,
      },
      { parent: this, protect: !disposable, retainOnDelete: !disposable },
    );
    new aws.kms.Alias(name, { name: `alias/${siteName}-archive`, targetKeyId: key.keyId }, { parent: this });
    return key;
  }

  private createUser(name: string, userName: string, policy: pulumi.Output<PolicyDocument>): AccessKey {
    const user = new aws.iam.User(name, { name: userName, path: "/lab/" }, { parent: this });
    new aws.iam.UserPolicy(
      name,
      { name: "archive", user: user.name, policy: policy.apply((document) => JSON.stringify(document)) },
      { parent: this },
    );
    const accessKey = new aws.iam.AccessKey(name, { user: user.name }, { parent: this });
    return { id: accessKey.id, secret: pulumi.secret(accessKey.secret) };
  }
}
