import { ApiError } from "../errors.ts";
import { userOf } from "../permissions.ts";
import { type Route, type Server, textOf } from "../route.ts";
import type { TaskRecord } from "../tasks.ts";
import { flag, id, node, optional, text, upid } from "../types.ts";
import { usage } from "./usage.ts";

const statuses = ["ok", "warning", "error", "unknown"];
const count = { type: "integer", optional: true } as const;

/** What datastores hold, and tasks. */
export const admin: readonly Route[] = [
  {
    method: "GET",
    path: "/version",
    parameters: {},
    run: () => ({ data: { release: "1", repoid: "rehearsal", version: "4.1" } }),
  },
  ...usage,
  {
    method: "GET",
    path: "/nodes/{node}/tasks",
    parameters: {
      node,
      start: count,
      limit: count,
      store: optional(id),
      running: flag,
      errors: flag,
      since: count,
      until: count,
      typefilter: text,
      userfilter: text,
      statusfilter: { type: "array", enum: statuses, optional: true },
    },
    run(server, values, caller) {
      const matching = server.tasks
        .list()
        .filter(
          (task) =>
            maySee(server, caller, task) &&
            (values.store === undefined || task.worker_id.split(":")[0] === values.store) &&
            (values.running !== true || task.status === undefined) &&
            (values.errors !== true || ["error", "unknown"].includes(kindOfStatus(task) ?? "")) &&
            (typeof values.since !== "number" || task.starttime >= values.since) &&
            (typeof values.until !== "number" || task.starttime <= values.until) &&
            task.worker_type.includes(textOf(values, "typefilter")) &&
            task.user.includes(textOf(values, "userfilter")) &&
            (!Array.isArray(values.statusfilter) ||
              values.statusfilter.includes(kindOfStatus(task) ?? "running")),
        );
      const start = Number(values.start ?? 0);
      const limit = Number(values.limit ?? 50);
      const page = matching.slice(start, limit === 0 ? undefined : start + limit);
      return { data: page, total: matching.length };
    },
  },
  {
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/status",
    parameters: { node, upid },
    run(server, values, caller) {
      const task = findTask(server, textOf(values, "upid"), caller);
      const [user, tokenid] = task.user.split("!");
      return {
        data: {
          upid: task.upid,
          node: task.node,
          pid: task.pid,
          pstart: task.pstart,
          starttime: task.starttime,
          type: task.worker_type,
          id: task.worker_id,
          user,
          ...(tokenid === undefined ? {} : { tokenid }),
          ...(task.status === undefined
            ? { status: "running" }
            : { status: "stopped", exitstatus: task.status, endtime: task.endtime }),
        },
      };
    },
  },
  {
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/log",
    parameters: {
      node,
      upid,
      start: { ...count, minimum: 0 },
      limit: { ...count, minimum: 0 },
      "test-status": flag,
      download: flag,
    },
    async run(server, values, caller) {
      const task = findTask(server, textOf(values, "upid"), caller);
      const lines = await server.tasks.logLines(task.upid);
      const start = Number(values.start ?? 0);
      const limit = Number(values.limit ?? 50);
      const page = lines.slice(start, limit === 0 ? undefined : start + limit);
      return { data: page.map((line, index) => ({ n: start + index + 1, t: line })), total: lines.length };
    },
  },
  {
    method: "DELETE",
    path: "/nodes/{node}/tasks/{upid}",
    parameters: { node, upid },
    run(server, values, caller) {
      const task = findTask(server, textOf(values, "upid"), caller);
      if (userOf(task.user) !== userOf(caller)) {
        server.access.require(caller, ["system", "tasks"], ["Sys.Modify"]);
      }
      server.tasks.stop(task.upid);
      return { data: null };
    },
  },
];

function findTask(server: Server, upid: string, caller: string): TaskRecord {
  const task = server.tasks.find(upid);
  if (!task) throw new ApiError(400, "unable to open file - no such task");
  if (!maySee(server, caller, task)) throw new ApiError(400, "task access not allowed");
  return task;
}

function maySee(server: Server, caller: string, task: TaskRecord): boolean {
  return (
    userOf(task.user) === userOf(caller) || server.access.has(caller, ["system", "tasks"], ["Sys.Audit"])
  );
}

function kindOfStatus({ status }: TaskRecord): string | undefined {
  if (status === undefined) return undefined;
  if (status === "OK") return "ok";
  if (status.startsWith("WARNINGS")) return "warning";
  return status === "unknown" ? "unknown" : "error";
}
