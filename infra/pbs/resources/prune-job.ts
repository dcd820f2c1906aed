import { z } from "zod";
import { apiPath } from "../client.ts";
import { keepRules } from "../functions/prune-dry-run.ts";
import { type Pruning, pruneNotes } from "../functions/prune-preview.ts";
import { configResource } from "./config-object.ts";
import { comment, jobId, keep, maxDepth, namespace, schedule, storeName } from "./values.ts";

/** When which backups of a datastore are removed. At least one keep rule is needed: none at all would keep everything. */
export const pruneJobInputs = z.object({
  jobId,
  store: storeName,
  schedule,
  /** The rules apply in this order; each keeps the newest backup of a period that no rule before it has kept. */
  keepLast: keep,
  keepHourly: keep,
  keepDaily: keep,
  keepWeekly: keep,
  keepMonthly: keep,
  keepYearly: keep,
  ns: namespace.optional(),
  maxDepth: maxDepth.optional(),
  /** Whether the job is switched off. */
  disable: z.boolean().default(false),
  comment: comment.optional(),
});

export const pruneJob = configResource({
  token: "pbs:index:PruneJob",
  kind: "prune job",
  file: "prune",
  inputs: pruneJobInputs,
  identity: ["jobId"],
  checkTogether: (inputs) =>
    keepRules.some((rule) => inputs[rule] !== undefined)
      ? []
      : [
          {
            property: "keepLast",
            reason: `a prune job without any keep rule keeps every backup for ever; set at least one of ${keepRules.join(", ")}`,
          },
        ],
  notesOnPreview: (call, recorded, wanted) =>
    pruneNotes(call, recorded.inputs as Partial<Pruning>, wanted as unknown as Pruning),
  idOf: (inputs) => inputs.jobId,
  createAt: (inputs) => ({ path: "/config/prune", parameters: { id: inputs.jobId } }),
  itemPath: (id) => apiPath`/config/prune/${id}`,
  identityOf: (id) => ({ jobId: id }),
});
