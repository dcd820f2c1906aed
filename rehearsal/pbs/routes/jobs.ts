import { ApiError, parameterError } from "../errors.ts";
import { owns } from "../groups.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import type { Section } from "../state.ts";
import {
  asText,
  authId,
  comment,
  flag,
  id,
  keepRules,
  listOf,
  maxDepth,
  namespace,
  optional,
  rates,
  schedule,
} from "../types.ts";
import { jobRoutes } from "./sections.ts";

const threads = { type: "integer", minimum: 1, maximum: 32, optional: true } as const;

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

const syncProperties = {
  remote: optional(id),
  "remote-store": id,
  "remote-ns": namespace,
  ns: namespace,
  owner: optional(authId),
  schedule: optional(schedule),
  "remove-vanished": flag,
  "max-depth": maxDepth,
  "group-filter": listOf(groupFilterFault),
  "transfer-last": { type: "integer", minimum: 1, optional: true },
  "resync-corrupt": flag,
  "verified-only": flag,
  "encrypted-only": flag,
  "run-on-mount": flag,
  "unmount-on-done": flag,
  "active-encryption-key": optional(id),
  "associated-key": listOf(asText(id)),
  "sync-direction": { type: "string", enum: ["pull", "push"], optional: true },
  "worker-threads": threads,
  ...rates,
  comment,
} as const;

const sync = jobRoutes({
  file: "sync",
  path: "sync",
  properties: { id, store: id, ...syncProperties },
  deletable: Object.keys(syncProperties).filter((name) => !["remote-store", "resync-corrupt"].includes(name)),
  listParameters: { "sync-direction": { type: "string", enum: ["all", "push", "pull"], optional: true } },
  listed: (job, values) =>
    values["sync-direction"] === "all" ||
    (job["sync-direction"] ?? "pull") === (values["sync-direction"] ?? "pull"),
  verify: verifySync,
  read: ["Datastore.Audit"],
  modify: ["Datastore.Backup"],
});

/** Jobs, as they are configured. */
export const jobs: readonly Route[] = [...prune, ...verification, ...sync];

function groupFilterFault(text: string): string | undefined {
  return /^(?:(?:in|ex)clude:)?(?:type:(?:vm|ct|host)|group:(?:vm|ct|host)\/[A-Za-z0-9_][A-Za-z0-9._-]*|regex:.+)$/.test(
    text,
  )
    ? undefined
    : `Unable to parse group filter '${text}'`;
}

/** Beside the right to write here, a job needs one on what it reads from. */
function verifySync(server: Server, job: Section, caller: string): void {
  if (
    job.remote === undefined &&
    job.store === job["remote-store"] &&
    (job.ns ?? "") === (job["remote-ns"] ?? "")
  ) {
    throw parameterError([["remote-store", "source and target datastore can't be the same"]]);
  }
  if (job["sync-direction"] === "push" && job["resync-corrupt"] === true) {
    throw parameterError([["resync-corrupt", "push jobs do not support resync-corrupt option"]]);
  }
  const { access } = server;
  const here = storeAclPath(job);
  const other =
    job.remote === undefined
      ? access.has(caller, storeAclPath({ store: job["remote-store"], ns: job["remote-ns"] }), [
          "Datastore.Read",
        ])
      : access.has(
          caller,
          ["remote", textOf(job, "remote"), textOf(job, "remote-store")],
          [job["sync-direction"] === "push" ? "Remote.DatastoreBackup" : "Remote.Read"],
        );
  const allowed =
    other &&
    (job["remove-vanished"] !== true || access.has(caller, here, ["Datastore.Prune"])) &&
    (job.owner === undefined ||
      owns(textOf(job, "owner"), caller) ||
      access.has(caller, here, ["Datastore.Modify"]));
  if (!allowed) throw new ApiError(403, "permission check failed");
}
