import { ApiError, parameterError } from "../errors.ts";
import { openStore } from "../groups.ts";
import type { Values } from "../parameters.ts";
import { type Route, remoteAclPath, type Server, storeAclPath, textOf } from "../route.ts";
import type { Section } from "../state.ts";
import { mayModifySync } from "../sync-rights.ts";
import { syncStores } from "../sync-work.ts";
import {
  asText,
  authId,
  comment,
  flag,
  id,
  listOf,
  maxDepth,
  namespace,
  optional,
  rates,
  schedule,
  threads,
} from "../types.ts";
import { jobRoutes } from "./sections.ts";

/** What is copied, and how, whether by a job or at once. */
const options = {
  "remote-ns": namespace,
  ns: namespace,
  "remove-vanished": flag,
  "max-depth": maxDepth,
  "group-filter": listOf(groupFilterFault),
  "transfer-last": { type: "integer", minimum: 1, optional: true },
  "verified-only": flag,
  "encrypted-only": flag,
  "worker-threads": threads,
  ...rates,
} as const;

const properties = {
  ...options,
  remote: optional(id),
  "remote-store": id,
  owner: optional(authId),
  schedule: optional(schedule),
  "resync-corrupt": flag,
  "run-on-mount": flag,
  "unmount-on-done": flag,
  "active-encryption-key": optional(id),
  "associated-key": listOf(asText(id)),
  "sync-direction": { type: "string", enum: ["pull", "push"], optional: true },
  comment,
} as const;

const jobs = jobRoutes({
  file: "sync",
  path: "sync",
  properties: { id, store: id, ...properties },
  deletable: Object.keys(properties).filter((name) => !["remote-store", "resync-corrupt"].includes(name)),
  listParameters: { "sync-direction": { type: "string", enum: ["all", "push", "pull"], optional: true } },
  listed: (job, values) =>
    values["sync-direction"] === "all" ||
    (job["sync-direction"] ?? "pull") === (values["sync-direction"] ?? "pull"),
  verify: requireDifference,
  requireModify(server, job, caller) {
    if (!mayModifySync(server, job, caller)) throw new ApiError(403, "permission check failed");
  },
  read: ["Datastore.Audit"],
  modify: ["Datastore.Backup"],
});

/** Copies at once, in the caller's name. */
const copies: readonly Route[] = [
  {
    method: "POST",
    path: "/pull",
    parameters: {
      store: id,
      remote: optional(id),
      "remote-store": id,
      ...options,
      "resync-corrupt": flag,
      "decryption-keys": listOf(asText(id)),
    },
    async run(server, values, caller) {
      const { access } = server;
      const here = storeAclPath(values);
      access.require(caller, here, ["Datastore.Backup"]);
      if (values.remote === undefined) {
        access.require(caller, storeAclPath({ store: values["remote-store"] }), ["Datastore.Backup"]);
      } else {
        access.require(caller, remoteAclPath(values, ""), ["Remote.Read"]);
      }
      if (values["remove-vanished"] === true) access.require(caller, here, ["Datastore.Prune"]);
      requireDifference(server, values);
      const job = {
        ...values,
        ...keys("associated-key", values["decryption-keys"]),
        "sync-direction": "pull",
      };
      return { data: await copyNow(server, job, caller) };
    },
  },
  {
    method: "POST",
    path: "/push",
    parameters: { store: id, remote: id, "remote-store": id, ...options, "encryption-key": optional(id) },
    async run(server, values, caller) {
      const { access } = server;
      const there = remoteAclPath(values, textOf(values, "remote-ns"));
      access.require(caller, there, ["Remote.DatastoreBackup"]);
      if (values["remove-vanished"] === true) access.require(caller, there, ["Remote.DatastorePrune"]);
      access.require(caller, storeAclPath(values), ["Datastore.Read", "Datastore.Backup"], true);
      const job = {
        ...values,
        ...keys("active-encryption-key", values["encryption-key"]),
        "sync-direction": "push",
      };
      return { data: await copyNow(server, job, caller) };
    },
  },
];

/** Everything about copies between datastores. */
export const synchronisation: readonly Route[] = [...jobs, ...copies];

function copyNow(server: Server, job: Values, caller: string): Promise<string> {
  const store = textOf(job, "store");
  openStore(server, store, job["sync-direction"] === "push" ? "read" : "write");
  if (job.remote !== undefined && !server.store.state.remote[textOf(job, "remote")]) {
    throw new ApiError(400, `no such remote '${job.remote}'`);
  }
  return server.tasks.start("sync", store, caller, (run) =>
    syncStores(server, { ...job, owner: caller }, run),
  );
}

function keys(name: string, value: Values[string] | undefined): Values {
  return value === undefined ? {} : { [name]: value };
}

function groupFilterFault(text: string): string | undefined {
  return /^(?:(?:in|ex)clude:)?(?:type:(?:vm|ct|host)|group:(?:vm|ct|host)\/[A-Za-z0-9_][A-Za-z0-9._-]*|regex:.+)$/.test(
    text,
  )
    ? undefined
    : `Unable to parse group filter '${text}'`;
}

function requireDifference(_server: Server, job: Section): void {
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
}
