import { z } from "zod";
import { defineFunction } from "../../provider/resource.ts";
import { apiPath, type PbsClient } from "../client.ts";
import { storeName } from "../resources/values.ts";

/** Says how full a datastore is, what it holds and what its last garbage collection left. */
export const getDatastoreStatusInputs = z.object({ store: storeName });

const count = z.object({
  /** Guests or hosts that have backups. */
  groups: z.number(),
  snapshots: z.number(),
});

const counts = z.object({
  vm: count.optional(),
  ct: count.optional(),
  host: count.optional(),
  other: count.optional(),
});

const gcStatus = z.object({
  /** Bytes of all backups before deduplication. */
  indexDataBytes: z.number(),
  /** Bytes on disk, deduplicated and compressed. */
  diskBytes: z.number(),
  /** Bytes that the last run removed. */
  removedBytes: z.number(),
  /** Bytes that nothing uses any more, but that are too young to be removed. */
  pendingBytes: z.number(),
  /** Damaged chunks that backups still refer to. */
  stillBad: z.number(),
});

/** Usage and content of a datastore. */
export const getDatastoreStatusOutputs = z.object({
  /** Bytes of the file system. */
  total: z.number(),
  /** Bytes used. */
  used: z.number(),
  /** Bytes that can still be written. */
  available: z.number(),
  /** Where its chunks are: filesystem or s3. */
  backendType: z.string(),
  /** What it holds, by type of backup. */
  counts: counts.optional(),
  /** Of the last garbage collection; absent before the first. */
  gcStatus: gcStatus.optional(),
});

export const getDatastoreStatus = defineFunction<
  PbsClient,
  typeof getDatastoreStatusInputs,
  typeof getDatastoreStatusOutputs
>({
  token: "pbs:index:getDatastoreStatus",
  inputs: getDatastoreStatusInputs,
  outputs: getDatastoreStatusOutputs,
  async run(client, { store }, signal) {
    const { data } = await client.get(apiPath`/admin/datastore/${store}/status`, { verbose: true }, signal);
    const status = data as Status;
    const gc = status["gc-status"];
    return {
      total: status.total,
      used: status.used,
      available: status.avail,
      backendType: status["backend-type"] ?? "filesystem",
      counts: status.counts,
      // Before the first run the server shows zeros without a task.
      gcStatus: gc?.upid === undefined ? undefined : gcStatusOf(gc),
    };
  },
});

/** As the server shows it. */
interface Status {
  readonly total: number;
  readonly used: number;
  readonly avail: number;
  readonly "backend-type"?: string;
  readonly counts?: z.output<typeof counts>;
  readonly "gc-status"?: Readonly<Record<string, number>> & { readonly upid?: unknown };
}

function gcStatusOf(gc: Readonly<Record<string, number>>): z.output<typeof gcStatus> {
  return {
    indexDataBytes: gc["index-data-bytes"] ?? 0,
    diskBytes: gc["disk-bytes"] ?? 0,
    removedBytes: gc["removed-bytes"] ?? 0,
    pendingBytes: gc["pending-bytes"] ?? 0,
    stillBad: gc["still-bad"] ?? 0,
  };
}
