import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { ResourceArgs } from "../../provider/sdk.ts";
import type { getDatastoreStatusInputs, getDatastoreStatusOutputs } from "./get-datastore-status.ts";
import type { getSnapshotsInputs, getSnapshotsOutputs } from "./get-snapshots.ts";
import type { pruneDryRunInputs, pruneDryRunOutputs } from "./prune-dry-run.ts";

/** See `get-snapshots.ts`. */
export type GetSnapshotsArgs = z.input<typeof getSnapshotsInputs>;
/** See `get-snapshots.ts`. */
export type GetSnapshotsOutputArgs = ResourceArgs<typeof getSnapshotsInputs>;
/** See `get-snapshots.ts`. */
export type GetSnapshotsResult = z.output<typeof getSnapshotsOutputs>;
/** See `get-datastore-status.ts`. */
export type GetDatastoreStatusArgs = z.input<typeof getDatastoreStatusInputs>;
/** See `get-datastore-status.ts`. */
export type GetDatastoreStatusOutputArgs = ResourceArgs<typeof getDatastoreStatusInputs>;
/** See `get-datastore-status.ts`. */
export type GetDatastoreStatusResult = z.output<typeof getDatastoreStatusOutputs>;
/** See `prune-dry-run.ts`. */
export type PruneDryRunArgs = z.input<typeof pruneDryRunInputs>;
/** See `prune-dry-run.ts`. */
export type PruneDryRunOutputArgs = ResourceArgs<typeof pruneDryRunInputs>;
/** See `prune-dry-run.ts`. */
export type PruneDryRunResult = z.output<typeof pruneDryRunOutputs>;

/** The backups that a datastore holds, newest first. */
export function getSnapshots(
  args: GetSnapshotsArgs,
  options?: pulumi.InvokeOptions,
): Promise<GetSnapshotsResult> {
  return pulumi.runtime.invoke("pbs:index:getSnapshots", args, options);
}

/** {@link getSnapshots} of values that may be outputs of resources. */
export function getSnapshotsOutput(
  args: GetSnapshotsOutputArgs,
  options?: pulumi.InvokeOutputOptions,
): pulumi.Output<GetSnapshotsResult> {
  return pulumi.runtime.invokeOutput("pbs:index:getSnapshots", args, options);
}

/** How full a datastore is, what it holds and what its last garbage collection left. */
export function getDatastoreStatus(
  args: GetDatastoreStatusArgs,
  options?: pulumi.InvokeOptions,
): Promise<GetDatastoreStatusResult> {
  return pulumi.runtime.invoke("pbs:index:getDatastoreStatus", args, options);
}

/** {@link getDatastoreStatus} of values that may be outputs of resources. */
export function getDatastoreStatusOutput(
  args: GetDatastoreStatusOutputArgs,
  options?: pulumi.InvokeOutputOptions,
): pulumi.Output<GetDatastoreStatusResult> {
  return pulumi.runtime.invokeOutput("pbs:index:getDatastoreStatus", args, options);
}

/** What a retention would remove, by the server's own dry run: nothing is removed. */
export function pruneDryRun(
  args: PruneDryRunArgs,
  options?: pulumi.InvokeOptions,
): Promise<PruneDryRunResult> {
  return pulumi.runtime.invoke("pbs:index:pruneDryRun", args, options);
}

/** {@link pruneDryRun} of values that may be outputs of resources. */
export function pruneDryRunOutput(
  args: PruneDryRunOutputArgs,
  options?: pulumi.InvokeOutputOptions,
): pulumi.Output<PruneDryRunResult> {
  return pulumi.runtime.invokeOutput("pbs:index:pruneDryRun", args, options);
}
