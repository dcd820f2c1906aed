import { ApiError } from "../errors.ts";
import { type KeepRules, selectKept } from "../prune.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import { listNamespaces, listSnapshots, removeSnapshot } from "../snapshots.ts";
import type { Section } from "../state.ts";
import type { TaskRun } from "../tasks.ts";
import {
  authId,
  comment,
  flag,
  id,
  keepRules,
  maxDepth,
  namespace,
  optional,
  schedule,
  text,
} from "../types.ts";
import { type JobKind, jobRoutes } from "./sections.ts";

const threads = { type: "integer", minimum: 1, maximum: 32, optional: true } as const;
const rate = { ...text, minLength: 1, maxLength: 64 } as const;

const prune: JobKind = {
  file: "prune",
  path: "prune",
  section: "prune",
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
};

const verification: JobKind = {
  file: "verification",
  path: "verify",
  section: "verification",
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
};

const syncProperties = {
  remote: optional(id),
  "remote-store": id,
  "remote-ns": namespace,
  ns: namespace,
  owner: optional(authId),
  schedule: optional(schedule),
  "remove-vanished": flag,
  "max-depth": maxDepth,
  "group-filter": { type: "array", optional: true },
  "transfer-last": { type: "integer", minimum: 1, optional: true },
  "resync-corrupt": flag,
  "verified-only": flag,
  "encrypted-only": flag,
  "run-on-mount": flag,
  "unmount-on-done": flag,
  "active-encryption-key": optional(id),
  "associated-key": { type: "array", optional: true },
  "sync-direction": { type: "string", enum: ["pull", "push"], optional: true },
  "worker-threads": threads,
  "rate-in": rate,
  "rate-out": rate,
  "burst-in": rate,
  "burst-out": rate,
  comment,
} as const;

const sync: JobKind = {
  file: "sync",
  path: "sync",
  section: "sync",
  properties: { id, store: id, ...syncProperties },
  deletable: Object.keys(syncProperties).filter((name) => !["remote-store", "resync-corrupt"].includes(name)),
  read: ["Datastore.Audit"],
  modify: ["Datastore.Backup"],
};

/** Jobs: their configuration, and what pruning does. Verification and synchronisation are configuration only. */
export const jobs: readonly Route[] = [
  ...jobRoutes(prune),
  ...jobRoutes(verification),
  ...jobRoutes(sync),
  {
    method: "GET",
    path: "/admin/prune",
    parameters: { store: optional(id) },
    run(server, values, caller) {
      const visible = Object.values(server.store.state.prune).filter(
        (job) =>
          (values.store === undefined || job.store === values.store) &&
          server.access.has(caller, storeAclPath(job), ["Datastore.Audit", "Datastore.Modify"], true),
      );
      return { data: visible.map((job) => ({ ...job, ...lastRun(server, `prune:${job.id}`) })) };
    },
  },
  {
    method: "POST",
    path: "/admin/prune/{id}/run",
    parameters: { id },
    async run(server, values, caller) {
      const name = textOf(values, "id");
      const job = server.store.state.prune[name];
      if (!job) throw new ApiError(400, `no such prune '${name}'`);
      server.access.require(caller, storeAclPath(job), ["Datastore.Modify"], true);
      const upid = await server.tasks.start("prunejob", name, caller, (run) => pruneStore(server, job, run));
      await server.store.change("prune", undefined, (state) => {
        state.lastRuns[`prune:${name}`] = upid;
      });
      return { data: upid };
    },
  },
];

function lastRun(server: Server, key: string): object {
  const upid = server.store.state.lastRuns[key];
  const task = upid === undefined ? undefined : server.tasks.find(upid);
  if (!task) return {};
  return { "last-run-upid": task.upid, "last-run-state": task.status, "last-run-endtime": task.endtime };
}

async function pruneStore(server: Server, job: Section, run: TaskRun): Promise<void> {
  const store = server.store.state.datastore[textOf(job, "store")];
  if (!store) throw new Error(`no such datastore '${textOf(job, "store")}'`);
  const root = server.localPath(textOf(store, "path"));
  const depth = typeof job["max-depth"] === "number" ? job["max-depth"] : 7;
  await run.log(`Starting datastore prune on datastore '${textOf(job, "store")}'`);
  for (const ns of await listNamespaces(root, textOf(job, "ns"), depth)) {
    const groups = Map.groupBy(
      await listSnapshots(root, ns),
      (snapshot) => `${snapshot.type}/${snapshot.id}`,
    );
    for (const [group, snapshots] of groups) {
      const kept = selectKept(snapshots, job as KeepRules);
      for (const snapshot of snapshots) {
        run.signal.throwIfAborted();
        const mark = snapshot.protected ? "protected" : kept.has(snapshot) ? "keep" : "remove";
        await run.log(
          `${mark} ${ns ? `${ns}/` : ""}${group}/${new Date(snapshot.time * 1000).toISOString()}`,
        );
        if (!kept.has(snapshot)) await removeSnapshot(snapshot);
      }
    }
  }
}
