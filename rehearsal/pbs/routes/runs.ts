import { ApiError } from "../errors.ts";
import { openGroup, openStore, ownOnly } from "../groups.ts";
import { type JobType, runState, scheduled, startJob } from "../job-runs.ts";
import type { Values } from "../parameters.ts";
import type { Privilege } from "../permissions.ts";
import { type KeepRules, keepsSomething } from "../prune.ts";
import { logRules, markGroup, pruneGroup, pruneStore } from "../prune-work.ts";
import { type Route, type Server, storeAclPath, textOf } from "../route.ts";
import { listSnapshots } from "../snapshots.ts";
import type { Section } from "../state.ts";
import { mayModifySync } from "../sync-rights.ts";
import {
  backupId,
  backupTime,
  backupType,
  flag,
  id,
  keepRules,
  maxDepth,
  namespace,
  optional,
  threads,
} from "../types.ts";
import { verifyStore } from "../verify-work.ts";
import { garbageCollections } from "./gc.ts";
import { requireNamespace } from "./snapshots.ts";

interface JobRights {
  readonly type: Exclude<JobType, "gc">;
  readonly path: string;
  readonly read: readonly Privilege[];
  readonly run: readonly Privilege[];
}

const kinds: readonly JobRights[] = [
  { type: "prune", path: "prune", read: ["Datastore.Audit", "Datastore.Modify"], run: ["Datastore.Modify"] },
  {
    type: "verification",
    path: "verify",
    read: ["Datastore.Audit", "Datastore.Verify"],
    run: ["Datastore.Verify"],
  },
  { type: "sync", path: "sync", read: ["Datastore.Audit"], run: ["Datastore.Backup"] },
];
const direction = { type: "string", enum: ["all", "push", "pull"], optional: true } as const;

function jobRuns({ type, path, read, run }: JobRights): Route[] {
  return [
    {
      method: "GET",
      path: `/admin/${path}`,
      parameters: { store: optional(id), ...(type === "sync" ? { "sync-direction": direction } : {}) },
      run(server, values, caller) {
        const wanted = values["sync-direction"] ?? "all";
        const visible = Object.values(scheduled(server, type)).filter(
          (job) =>
            (values.store ?? job.store) === job.store &&
            (type !== "sync" || wanted === "all" || (job["sync-direction"] ?? "pull") === wanted) &&
            server.access.has(caller, storeAclPath(job), read, true) &&
            (type !== "sync" || seesSource(server, job, caller)),
        );
        return {
          data: visible.map((job) => ({ ...job, ...runState(server, type, textOf(job, "id")) })),
          digest: server.store.digest(type),
        };
      },
    },
    {
      method: "POST",
      path: `/admin/${path}/{id}/run`,
      parameters: { id },
      async run(server, values, caller) {
        const name = textOf(values, "id");
        const job = scheduled(server, type)[name];
        if (!job) throw new ApiError(400, `no such ${type} '${name}'`);
        if (type === "sync") requireSync(server, job, caller);
        else server.access.require(caller, storeAclPath(job), run, true);
        return { data: await startJob(server, type, name, caller) };
      },
    },
  ];
}

const group = { store: id, ns: namespace, "backup-type": backupType, "backup-id": backupId };

/** What works on the data of a datastore: by job, and at once. */
export const runs: readonly Route[] = [
  ...kinds.flatMap(jobRuns),
  {
    method: "POST",
    path: "/admin/datastore/{store}/prune",
    parameters: { ...group, ...keepRules, "dry-run": flag, "use-task": flag },
    async run(server, values, caller) {
      const { root } = await openGroup(
        server,
        values,
        caller,
        ["Datastore.Modify"],
        ["Datastore.Prune"],
        "write",
      );
      const all = await listSnapshots(root, textOf(values, "ns"));
      const snapshots = all.filter(
        ({ type, id }) => type === values["backup-type"] && id === values["backup-id"],
      );
      const rules = values as KeepRules;
      const marks = [...markGroup(snapshots, rules)].map(([{ type, id, time }, mark]) => ({
        "backup-type": type,
        "backup-id": id,
        "backup-time": time,
        keep: mark !== "remove",
        protected: mark === "protected",
      }));
      if (values["dry-run"] === true) return { data: marks };
      const worker = `${nsName(values)}:${values["backup-type"]}/${values["backup-id"]}`;
      const upid = await server.tasks.start("prune", worker, caller, async (run) => {
        await logRules(rules, run);
        if (keepsSomething(rules)) await run.log(`Starting prune on ${worker}`);
        await pruneGroup(snapshots, { rules, dryRun: false }, run);
      });
      if (values["use-task"] === true) return { data: upid };
      await server.tasks.ended(upid);
      return { data: marks };
    },
  },
  {
    method: "POST",
    path: "/admin/datastore/{store}/prune-datastore",
    parameters: { store: id, ns: namespace, ...keepRules, "max-depth": maxDepth, "dry-run": flag },
    async run(server, values, caller) {
      const limited = ownOnly(server, values, caller, ["Datastore.Modify"], ["Datastore.Prune"]);
      const store = openStore(server, textOf(values, "store"), "write");
      await requireNamespace(store.root, textOf(values, "ns"));
      const work = {
        rules: values as KeepRules,
        ns: textOf(values, "ns"),
        maxDepth: Number(values["max-depth"] ?? 7),
        dryRun: values["dry-run"] === true,
        owner: limited ? caller : undefined,
      };
      return {
        data: await server.tasks.start("prune", nsName(values), caller, (run) =>
          pruneStore(store, work, run),
        ),
      };
    },
  },
  {
    method: "POST",
    path: "/admin/datastore/{store}/verify",
    parameters: {
      store: id,
      ns: namespace,
      "backup-type": optional(backupType),
      "backup-id": optional(backupId),
      "backup-time": { ...backupTime, optional: true },
      "ignore-verified": flag,
      "outdated-after": { type: "integer", minimum: 0, optional: true },
      "max-depth": maxDepth,
      "read-threads": threads,
      "verify-threads": threads,
    },
    run: startVerification,
  },
  ...garbageCollections,
];

async function startVerification(server: Server, values: Values, caller: string) {
  const limited = ownOnly(server, values, caller, ["Datastore.Verify"], ["Datastore.Backup"]);
  const store = openStore(server, textOf(values, "store"));
  await requireNamespace(store.root, textOf(values, "ns"));
  const { "backup-type": type, "backup-id": name, "backup-time": time } = values;
  const isGroup = type !== undefined && name !== undefined;
  if (!isGroup && (type !== undefined || name !== undefined || time !== undefined)) {
    throw new ApiError(400, "parameters do not specify a backup group or snapshot");
  }
  if (isGroup) await openGroup(server, values, caller, ["Datastore.Verify"], ["Datastore.Backup"]);
  const suffix = time === undefined ? "" : `/${Number(time).toString(16).toUpperCase().padStart(8, "0")}`;
  const [worker, workerId] = isGroup
    ? [time === undefined ? "verify_group" : "verify_snapshot", `${nsName(values)}:${type}/${name}${suffix}`]
    : ["verify", nsName(values)];
  const work = {
    ns: textOf(values, "ns"),
    maxDepth: Number(values["max-depth"] ?? 7),
    group: isGroup ? { type: String(type), id: String(name) } : undefined,
    time: time === undefined ? undefined : Number(time),
    // A single backup is read whatever is known of it.
    ignoreVerified: time === undefined && values["ignore-verified"] !== false,
    outdatedAfterDays: values["outdated-after"] === undefined ? undefined : Number(values["outdated-after"]),
    owner: limited ? caller : undefined,
  };
  const now = server.now();
  return {
    data: await server.tasks.start(worker, workerId, caller, (run) => verifyStore(store, work, run, now)),
  };
}

/** A sync job is listed only for who may see what it copies from or to. */
function seesSource({ access }: Server, { remote, ...job }: Section, caller: string): boolean {
  if (typeof remote === "string") return access.has(caller, ["remote", remote], ["Remote.Audit"]);
  return access.has(caller, storeAclPath({ store: job["remote-store"] }), ["Datastore.Audit"]);
}

function requireSync(server: Server, job: Section, caller: string): void {
  if (mayModifySync(server, job, caller)) return;
  throw new ApiError(400, `permission check failed, '${caller}' is missing access`);
}

function nsName(values: Values): string {
  return textOf(values, "ns") === "" ? textOf(values, "store") : `${values.store}:${values.ns}`;
}
