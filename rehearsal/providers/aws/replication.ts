import { isDeepStrictEqual } from "node:util";
import {
  DeleteBucketReplicationCommand,
  GetBucketReplicationCommand,
  PutBucketReplicationCommand,
  type ReplicationRule,
  type StorageClass,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import { bucketSetting } from "./bucket-setting.ts";
import { unlessMissing } from "./config.ts";

const status = z.strictObject({ status: z.enum(["Enabled", "Disabled"]) });
const ruleSchema = z.strictObject({
  id: z.string().min(1).max(255),
  priority: z.int().default(0),
  status: z.enum(["Enabled", "Disabled"]),
  filter: z.strictObject({ prefix: z.string().default("") }),
  deleteMarkerReplication: status,
  sourceSelectionCriteria: z.strictObject({ sseKmsEncryptedObjects: status.optional() }).optional(),
  destination: z.strictObject({
    bucket: z.string(),
    storageClass: z.string().optional(),
    encryptionConfiguration: z.strictObject({ replicaKmsKeyId: z.string() }).optional(),
  }),
});
type Rule = z.output<typeof ruleSchema>;

/**
 * `aws.s3.BucketReplicationConfig`. The server keeps and checks the configuration; it copies nothing: what S3 would
 * copy, and when, is not simulated.
 */
export const bucketReplication = bucketSetting({
  token: "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
  inputs: z.object({ bucket: z.string(), role: z.string(), rules: z.array(ruleSchema).min(1) }),
  sameValue: (_property, recorded, wanted) => isDeepStrictEqual(recorded, wanted),
  put: ({ s3 }, { bucket, role, rules }) =>
    s3.send(
      new PutBucketReplicationCommand({
        Bucket: bucket,
        ReplicationConfiguration: { Role: role, Rules: rules.map(toS3) },
      }),
    ),
  get: async ({ s3 }, Bucket) => {
    const found = await unlessMissing(
      ["ReplicationConfigurationNotFoundError"],
      s3.send(new GetBucketReplicationCommand({ Bucket })),
    );
    const configuration = found?.ReplicationConfiguration;
    if (configuration === undefined) return undefined;
    return { role: configuration.Role ?? "", rules: (configuration.Rules ?? []).map(fromS3) };
  },
  remove: ({ s3 }, Bucket) => s3.send(new DeleteBucketReplicationCommand({ Bucket })),
});

function toS3(rule: Rule): ReplicationRule {
  const { destination, sourceSelectionCriteria: criteria } = rule;
  return {
    ID: rule.id,
    Priority: rule.priority,
    Status: rule.status,
    Filter: { Prefix: rule.filter.prefix },
    DeleteMarkerReplication: { Status: rule.deleteMarkerReplication.status },
    ...(criteria?.sseKmsEncryptedObjects === undefined
      ? {}
      : {
          SourceSelectionCriteria: {
            SseKmsEncryptedObjects: { Status: criteria.sseKmsEncryptedObjects.status },
          },
        }),
    Destination: {
      Bucket: destination.bucket,
      StorageClass: destination.storageClass as StorageClass | undefined,
      ...(destination.encryptionConfiguration === undefined
        ? {}
        : {
            EncryptionConfiguration: { ReplicaKmsKeyID: destination.encryptionConfiguration.replicaKmsKeyId },
          }),
    },
  };
}

function fromS3(rule: ReplicationRule): Rule {
  const encrypted = rule.SourceSelectionCriteria?.SseKmsEncryptedObjects?.Status;
  const { Bucket = "", StorageClass, EncryptionConfiguration } = rule.Destination ?? {};
  return {
    id: rule.ID ?? "",
    priority: rule.Priority ?? 0,
    status: rule.Status ?? "Disabled",
    filter: { prefix: rule.Filter?.Prefix ?? "" },
    deleteMarkerReplication: { status: rule.DeleteMarkerReplication?.Status ?? "Disabled" },
    ...(encrypted === undefined
      ? {}
      : { sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: encrypted } } }),
    destination: {
      bucket: Bucket,
      ...(StorageClass === undefined ? {} : { storageClass: StorageClass }),
      ...(EncryptionConfiguration?.ReplicaKmsKeyID === undefined
        ? {}
        : { encryptionConfiguration: { replicaKmsKeyId: EncryptionConfiguration.ReplicaKmsKeyID } }),
    },
  };
}
