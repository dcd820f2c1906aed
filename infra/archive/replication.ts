import * as pulumi from "@pulumi/pulumi";
import { iam, s3 } from "../packages.ts";
import type { Bucket as BucketSettings } from "../site.ts";
import { ArchiveBucket } from "./bucket.ts";
import { assumedByS3, type PolicyDocument, replicates } from "./policies.ts";

export interface ReplicationArgs {
  readonly siteName: string;
  /** For example `dumps`. */
  readonly purpose: string;
  readonly settings: BucketSettings;
  readonly replicateTo: NonNullable<BucketSettings["replicateTo"]>;
  readonly source: ArchiveBucket;
  readonly sourceKeyArn: pulumi.Output<string>;
  readonly sourceRegion: string;
  /** In the region of the replica: KMS keys are regional. */
  readonly replicaKeyArn: pulumi.Output<string>;
  readonly disposable: boolean;
}

/**
 * A copy of a bucket in another region, locked and kept like the original, and the role by which S3 makes it. Delete
 * markers are not copied, so that a deletion here hides nothing there. Only what is written from now on is copied.
 */
export class Replication extends pulumi.ComponentResource {
  readonly replica: ArchiveBucket;

  constructor(name: string, args: ReplicationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:archive:Replication", name, {}, opts);
    const { siteName, purpose, settings, replicateTo, source, disposable } = args;
    const child = { parent: this };
    this.replica = new ArchiveBucket(
      name,
      {
        settings: { ...settings, name: replicateTo.name },
        keyArn: args.replicaKeyArn,
        region: replicateTo.region,
        disposable,
      },
      child,
    );
    const role = new iam.Role(
      name,
      {
        name: `${siteName}-${purpose}-replication`,
        path: "/lab/",
        assumeRolePolicy: JSON.stringify(assumedByS3()),
      },
      child,
    );
    const policy = pulumi
      .all([source.arn, args.sourceKeyArn, this.replica.arn, args.replicaKeyArn])
      .apply(
        ([fromBucket, fromKey, toBucket, toKey]): PolicyDocument =>
          replicates(
            { bucketArn: fromBucket, keyArn: fromKey, region: args.sourceRegion },
            { bucketArn: toBucket, keyArn: toKey, region: replicateTo.region },
          ),
      );
    const permissions = new iam.RolePolicy(
      name,
      { name: "replication", role: role.name, policy: policy.apply((document) => JSON.stringify(document)) },
      child,
    );
    new s3.BucketReplicationConfig(
      name,
      {
        bucket: source.bucketName,
        role: role.arn,
        rules: [
          {
            id: "everything",
            priority: 0,
            status: "Enabled",
            filter: { prefix: "" },
            deleteMarkerReplication: { status: "Disabled" },
            sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
            destination: {
              bucket: this.replica.arn,
              encryptionConfiguration: { replicaKmsKeyId: args.replicaKeyArn },
            },
          },
        ],
      },
      { ...child, dependsOn: [source.versioning, this.replica.versioning, permissions] },
    );
    this.registerOutputs({ replica: this.replica.bucketName });
  }
}
