import type { BucketPublicAccessBlock } from "@pulumi/aws/s3/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { s3 } from "../packages.ts";

/** Which bucket, and where that is not the provider's own region, in which one. */
export interface BucketPlace {
  readonly bucket: pulumi.Input<string>;
  readonly region?: string;
}

/**
 * Closes a bucket to the public, and its objects to whoever uploads them: access is a matter of policies alone.
 *
 * @returns what a bucket policy has to wait for: S3 changes one of the two at a time and answers the other with a conflict
 */
export function closeBucket(
  name: string,
  place: BucketPlace,
  opts: pulumi.CustomResourceOptions,
): BucketPublicAccessBlock {
  const block = new s3.BucketPublicAccessBlock(
    name,
    {
      ...place,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    opts,
  );
  new s3.BucketOwnershipControls(name, { ...place, rule: { objectOwnership: "BucketOwnerEnforced" } }, opts);
  return block;
}
