import type { FunctionDefinition } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { getDatastoreStatus } from "./get-datastore-status.ts";
import { getSnapshots } from "./get-snapshots.ts";
import { pruneDryRun } from "./prune-dry-run.ts";

/** What can be asked of the server without managing anything. */
export const functions: readonly FunctionDefinition<PbsClient>[] = [
  getSnapshots,
  getDatastoreStatus,
  pruneDryRun,
];
