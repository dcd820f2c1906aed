import { bucketArn, objectArn } from "./actions.ts";
import { S3Error, unescapeXml } from "./errors.ts";
import type { Facts } from "./moto.ts";
import { effectOf, parsePolicy } from "./policy.ts";

/**
 * S3 turns the access log of a bucket on only where it may deliver it: the target's policy must allow the logging
 * service for this bucket and account, and the target must have no object lock (S3 user guide, "Enabling Amazon S3
 * server access logging").
 * @throws S3Error InvalidTargetBucketForLogging
 */
export function demandLogTarget(bucket: string, document: string, facts: Facts): void {
  const target = /<TargetBucket>([^<]+)<\/TargetBucket>/.exec(document)?.[1];
  if (target === undefined) return;
  const prefix = unescapeXml(/<TargetPrefix>([^<]*)<\/TargetPrefix>/.exec(document)?.[1] ?? "");
  const found = facts.buckets[target];
  if (found === undefined) throw invalid("The target bucket for logging does not exist");
  if (found.locked) throw invalid("The target bucket for logging must not have Object Lock");
  const request = {
    principal: { type: "service", name: "logging.s3.amazonaws.com" },
    action: "s3:PutObject",
    resource: objectArn(target, prefix),
    context: new Map([
      ["aws:sourcearn", bucketArn(bucket)],
      ["aws:sourceaccount", facts.account],
      ["aws:securetransport", "true"],
    ]),
  } as const;
  if (effectOf([parsePolicy(found.policy ?? '{"Statement":[]}')], request) !== "allow") {
    throw invalid(
      "You must either provide the necessary permissions to the logging service using a bucket policy or give the log-delivery group WRITE and READ_ACP permissions to the target bucket",
    );
  }
}

function invalid(message: string): S3Error {
  return new S3Error(400, "InvalidTargetBucketForLogging", message);
}
