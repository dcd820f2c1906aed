import { describe, expect, it } from "vitest";
import { previewJson } from "../rehearsal/lab/preview.ts";
import { findTool } from "../tools/find.ts";

const engine = await findTool("pulumi");
if (!engine) console.warn("skipped: previews need the Pulumi engine; `./lab test` installs it");

interface Step {
  readonly op: string;
  readonly newState?: { readonly type: string };
}

/** Resources by type, as the engine would create them. */
async function countByType(stack: string): Promise<Record<string, number>> {
  const { steps } = JSON.parse(await previewJson(stack)) as { steps: Step[] };
  expect(steps.filter(({ op }) => op !== "create")).toEqual([]);
  const counts: Record<string, number> = {};
  for (const { newState } of steps) {
    const type = newState?.type ?? "unknown";
    if (type.startsWith("pulumi:") || type.startsWith("lab:")) continue;
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

describe.skipIf(!engine)("a preview without credentials shows every resource", () => {
  const everyBucket = {
    "aws:s3/bucket:Bucket": 4,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 4,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": 3,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 4,
    "aws:s3/bucketPolicy:BucketPolicy": 4,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 4,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 4,
    "aws:s3/bucketVersioning:BucketVersioning": 3,
    "aws:s3/bucketLogging:BucketLogging": 3,
    "aws:s3/bucketNotification:BucketNotification": 3,
    "aws:s3/inventory:Inventory": 3,
    "aws:sns/topic:Topic": 1,
    "aws:sns/topicPolicy:TopicPolicy": 1,
    "aws:sns/topicSubscription:TopicSubscription": 1,
    "aws:kms/key:Key": 2,
    "aws:kms/alias:Alias": 1,
    "aws:iam/user:User": 4,
    "aws:iam/userPolicy:UserPolicy": 4,
    "aws:iam/accessKey:AccessKey": 4,
  };
  const everySite = {
    ...everyBucket,
    "grafana:oss/folder:Folder": 1,
    "grafana:oss/dataSource:DataSource": 1,
    "grafana:oss/dashboard:Dashboard": 1,
    "hosts:index:CertificateAuthority": 1,
    "hosts:index:GuestImages": 1,
    // Replication, the login of people and Grafana, and what the physical backups are encrypted with.
    "hosts:index:Password": 3,
    "pbs:index:Datastore": 1,
    "pbs:index:Namespace": 2,
    "pbs:index:PruneJob": 2,
    "pbs:index:VerifyJob": 1,
    // The nodes, and what watches.
    "pbs:index:User": 2,
    "pbs:index:ApiToken": 2,
    "pbs:index:Acl": 5,
    // The channels that are told of backups at once, and who of them is told of errors and of warnings.
    "pbs:index:NotificationTarget": 4,
    "pbs:index:NotificationMatcher": 2,
    "proxmoxve:backup/job:Job": 3,
    "proxmoxve:storage/pbs:Pbs": 2,
  };

  it("of the lab", async () => {
    expect(await countByType("lab")).toEqual({
      ...everySite,
      // One for each guest, and one for each server beside its exporter.
      "hosts:index:Certificate": 8,
      "hosts:index:Delivery": 5,
      // One for each guest, and the one that deliveries log in with.
      "hosts:index:SshKey": 6,
      "proxmoxve:download/file:File": 5,
      "proxmoxve:index/fileLegacy:FileLegacy": 5,
      "proxmoxve:index/vmLegacy:VmLegacy": 5,
    });
  }, 60_000);

  it("of the recovery site", async () => {
    expect(await countByType("dr")).toEqual({
      ...everySite,
      "hosts:index:Certificate": 7,
      "hosts:index:Delivery": 4,
      "hosts:index:SshKey": 5,
      // The lab's backups are copied into a namespace of their own, from which the nodes can restore.
      "pbs:index:Namespace": 3,
      "pbs:index:PruneJob": 3,
      "pbs:index:Remote": 1,
      "pbs:index:SyncJob": 1,
      // Two more, to see the sync job with.
      "pbs:index:Acl": 7,
      "proxmoxve:storage/pbs:Pbs": 3,
      "proxmoxve:download/file:File": 2,
      "proxmoxve:index/fileLegacy:FileLegacy": 4,
      "proxmoxve:index/vmLegacy:VmLegacy": 4,
    });
  }, 60_000);
});
