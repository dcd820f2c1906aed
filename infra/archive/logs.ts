import * as pulumi from "@pulumi/pulumi";
import { s3 } from "../packages.ts";
import type { Site } from "../site.ts";
import { closeBucket } from "./closed.ts";
import { accountOf, bucketArnOf, takesLogs } from "./policies.ts";

export interface LogBucketArgs {
  readonly settings: Site["archive"]["logs"];
  /** The buckets whose access is logged and whose objects are listed. */
  readonly sources: readonly string[];
  /** A resource of the account, by which the account is known. */
  readonly keyArn: pulumi.Input<string>;
  readonly disposable: boolean;
}

/** Where access logs and inventories are delivered. */
export interface LogTarget {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** Without it S3 refuses to deliver. */
  readonly policy: pulumi.Resource;
}

/**
 * The bucket of the access logs and inventories. It has no object lock, because S3 does not deliver logs to a bucket
 * with a default retention, and is encrypted by S3's own keys, because log delivery can use no others (S3 user guide,
 * "Logging requests with server access logging").
 */
export class LogBucket extends pulumi.ComponentResource implements LogTarget {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly policy: pulumi.Resource;

  constructor(name: string, args: LogBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:archive:LogBucket", name, {}, opts);
    const { settings, sources, keyArn, disposable } = args;
    const child = { parent: this };
    const bucket = new s3.Bucket(
      name,
      { bucket: settings.name, forceDestroy: disposable },
      { ...child, protect: !disposable, retainOnDelete: !disposable },
    );
    const ofBucket = { bucket: bucket.bucket };
    const block = closeBucket(name, ofBucket, child);
    new s3.BucketServerSideEncryptionConfiguration(
      name,
      { ...ofBucket, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      child,
    );
    new s3.BucketLifecycleConfiguration(
      name,
      {
        ...ofBucket,
        rules: [
          {
            id: "logs",
            status: "Enabled",
            filter: { prefix: "" },
            expiration: { days: settings.retentionDays },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
        ],
      },
      child,
    );
    this.policy = new s3.BucketPolicy(
      name,
      {
        ...ofBucket,
        policy: pulumi.all([bucket.arn, keyArn]).apply(([arn, key]) => {
          const account = accountOf(key);
          const arns = sources.map((source) => bucketArnOf(source, account));
          return JSON.stringify(takesLogs(arn, arns, account));
        }),
      },
      { ...child, dependsOn: [block] },
    );
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }
}
