import type { Bucket, BucketLifecycleConfigurationArgs } from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import { s3 } from "../packages.ts";
import type { Bucket as BucketSettings } from "../site.ts";
import { closeBucket } from "./closed.ts";
import type { LogTarget } from "./logs.ts";
import type { NoticeTarget } from "./notices.ts";
import { tlsOnly } from "./policies.ts";

export interface ArchiveBucketArgs {
  readonly settings: BucketSettings;
  /** The key that objects are encrypted with. */
  readonly keyArn: pulumi.Input<string>;
  /** Whether the bucket may go together with what is in it. */
  readonly disposable: boolean;
  /** Default the provider's own. */
  readonly region?: string;
  /** Where accesses are logged and objects are listed. */
  readonly logs?: LogTarget;
  /** Who is told of completed restores. */
  readonly notices?: NoticeTarget;
}

/** An S3 bucket from which nothing is lost: versions, object lock, encryption, no public access, TLS only. */
export class ArchiveBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** What copies of the bucket wait for. */
  readonly versioning: pulumi.Resource;

  constructor(name: string, args: ArchiveBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:archive:ArchiveBucket", name, {}, opts);
    const { settings, keyArn, disposable } = args;
    const child = { parent: this };
    const inRegion = args.region === undefined ? {} : { region: args.region };

    const bucket = new s3.Bucket(
      name,
      { bucket: settings.name, objectLockEnabled: true, forceDestroy: disposable, ...inRegion },
      // A bucket in governance mode cannot be deleted while versions are locked, so that an attempt would stop half way.
      { ...child, protect: !disposable, retainOnDelete: !disposable },
    );
    const ofBucket = { bucket: bucket.bucket, ...inRegion };

    const block = closeBucket(name, ofBucket, child);
    const versioning = new s3.BucketVersioning(
      name,
      { ...ofBucket, versioningConfiguration: { status: "Enabled" } },
      child,
    );
    new s3.BucketServerSideEncryptionConfiguration(
      name,
      {
        ...ofBucket,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
            bucketKeyEnabled: true,
          },
        ],
      },
      child,
    );
    const afterVersioning = { ...child, dependsOn: [versioning] };
    new s3.BucketObjectLockConfiguration(
      name,
      { ...ofBucket, rule: { defaultRetention: { mode: "GOVERNANCE", days: settings.lockDays } } },
      afterVersioning,
    );
    new s3.BucketLifecycleConfiguration(name, { ...ofBucket, ...lifecycle(settings) }, afterVersioning);
    new s3.BucketPolicy(
      name,
      { ...ofBucket, policy: bucket.arn.apply((arn) => JSON.stringify(tlsOnly(arn))) },
      { ...child, dependsOn: [block] },
    );

    if (args.logs) this.deliverTo(name, bucket, args.logs);
    if (args.notices) {
      new s3.BucketNotification(
        name,
        {
          ...ofBucket,
          topics: [
            { id: "restored", topicArn: args.notices.topicArn, events: ["s3:ObjectRestore:Completed"] },
          ],
        },
        { ...child, dependsOn: [args.notices.policy] },
      );
    }

    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.versioning = versioning;
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }

  private deliverTo(name: string, bucket: Bucket, logs: LogTarget): void {
    const afterPolicy = { parent: this, dependsOn: [logs.policy] };
    new s3.BucketLogging(
      name,
      {
        bucket: bucket.bucket,
        targetBucket: logs.bucketName,
        targetPrefix: pulumi.interpolate`access/${bucket.bucket}/`,
      },
      afterPolicy,
    );
    new s3.Inventory(
      name,
      {
        bucket: bucket.bucket,
        name: "weekly",
        includedObjectVersions: "All",
        schedule: { frequency: "Weekly" },
        // What a check of the archive asks: what is there, how large, in which class, until when it is locked.
        optionalFields: [
          "Size",
          "LastModifiedDate",
          "StorageClass",
          "ETag",
          "ChecksumAlgorithm",
          "EncryptionStatus",
          "ObjectLockMode",
          "ObjectLockRetainUntilDate",
          "ReplicationStatus",
        ],
        destination: {
          bucket: { bucketArn: logs.arn, format: "CSV", prefix: "inventory", encryption: { sseS3: {} } },
        },
      },
      afterPolicy,
    );
  }
}

/** When objects change their class and when they go. */
export function lifecycle(settings: BucketSettings): Omit<BucketLifecycleConfigurationArgs, "bucket"> {
  return {
    // Manifests and checksums stay in the standard class: there they can be read without waiting for a restore, and
    // in Glacier each would cost 40 KiB of overhead.
    transitionDefaultMinimumObjectSize: "all_storage_classes_128K",
    rules: [
      {
        id: "archive",
        status: "Enabled",
        filter: { prefix: "" },
        transitions: [{ days: settings.transitionAfterDays, storageClass: settings.storageClass }],
        expiration: { days: settings.retentionDays },
        noncurrentVersionExpiration: { noncurrentDays: Math.max(settings.lockDays, 30) },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
    ],
  };
}
