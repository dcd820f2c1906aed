import type { Route } from "../route.ts";
import { comment, flag, id, keepRules, maxDepth, namespace, optional, schedule, threads } from "../types.ts";
import { jobRoutes } from "./sections.ts";
import { synchronisation } from "./sync.ts";

const prune = jobRoutes({
  file: "prune",
  path: "prune",
  properties: {
    id,
    store: id,
    schedule,
    ...keepRules,
    ns: namespace,
    "max-depth": maxDepth,
    disable: flag,
    comment,
  },
  deletable: ["comment", "disable", "ns", "max-depth", ...Object.keys(keepRules)],
  read: ["Datastore.Audit"],
  modify: ["Datastore.Modify"],
});

const verification = jobRoutes({
  file: "verification",
  path: "verify",
  properties: {
    id,
    store: id,
    schedule: optional(schedule),
    "ignore-verified": flag,
    "outdated-after": { type: "integer", minimum: 0, optional: true },
    ns: namespace,
    "max-depth": maxDepth,
    "read-threads": threads,
    "verify-threads": threads,
    comment,
  },
  deletable: [
    "ignore-verified",
    "comment",
    "schedule",
    "outdated-after",
    "ns",
    "max-depth",
    "read-threads",
    "verify-threads",
  ],
  read: ["Datastore.Audit", "Datastore.Verify"],
  modify: ["Datastore.Verify"],
});

/** Jobs, as they are configured. */
export const jobs: readonly Route[] = [...prune, ...verification, ...synchronisation];
