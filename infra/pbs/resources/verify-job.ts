import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { comment, jobId, maxDepth, namespace, schedule, storeName } from "./values.ts";

/** When the backups of a datastore are read back and compared with their checksums. */
export const verifyJobInputs = z.object({
  jobId,
  store: storeName,
  /** Without one the job runs only when started by hand. */
  schedule: schedule.optional(),
  /** Skips what is verified and not outdated. */
  ignoreVerified: z.boolean().default(true),
  /** Days after which a verification counts as outdated; without it, never. */
  outdatedAfter: z
    .int()
    .min(1, "outdatedAfter is a number of days from 1; leave it out so that nothing becomes outdated")
    .optional(),
  ns: namespace.optional(),
  maxDepth: maxDepth.default(7),
  /** How many threads read chunks. */
  readThreads: z.int().min(1).max(32, "readThreads is 1 to 32").default(1),
  /** How many threads compute checksums. */
  verifyThreads: z.int().min(1).max(32, "verifyThreads is 1 to 32").default(4),
  comment: comment.optional(),
});

export const verifyJob = configResource({
  token: "pbs:index:VerifyJob",
  kind: "verification job",
  file: "verification",
  inputs: verifyJobInputs,
  identity: ["jobId"],
  idOf: (inputs) => inputs.jobId,
  createAt: (inputs) => ({ path: "/config/verify", parameters: { id: inputs.jobId } }),
  itemPath: (id) => apiPath`/config/verify/${id}`,
  identityOf: (id) => ({ jobId: id }),
});
