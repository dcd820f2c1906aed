import type { ProviderDefinition } from "../../../infra/provider/resource.ts";
import { bucket } from "./bucket.ts";
import { type Aws, type AwsConfig, awsConfigSchema, connectAws } from "./config.ts";
import { bucketLogging, bucketNotification } from "./delivery.ts";
import { accessKey, user, userPolicy } from "./iam.ts";
import { role, rolePolicy } from "./iam-role.ts";
import { inventory } from "./inventory.ts";
import { alias, key } from "./kms.ts";
import { bucketLifecycle } from "./lifecycle.ts";
import { bucketEncryption, bucketOwnershipControls, bucketPolicy, publicAccessBlock } from "./protection.ts";
import { bucketReplication } from "./replication.ts";
import { topic, topicPolicy, topicSubscription } from "./sns.ts";
import { bucketObjectLock, bucketVersioning } from "./versions.ts";

/** Stands in for the aws provider: the types that the lab uses, against an S3, IAM and KMS endpoint. */
export const awsProvider: ProviderDefinition<Aws, AwsConfig> = {
  name: "aws",
  version: "7.48.0",
  config: awsConfigSchema,
  connect: connectAws,
  resources: [
    bucket,
    bucketVersioning,
    publicAccessBlock,
    bucketEncryption,
    bucketLifecycle,
    bucketObjectLock,
    bucketPolicy,
    bucketOwnershipControls,
    key,
    alias,
    user,
    userPolicy,
    accessKey,
    role,
    rolePolicy,
    bucketLogging,
    bucketNotification,
    bucketReplication,
    inventory,
    topic,
    topicPolicy,
    topicSubscription,
  ],
};
