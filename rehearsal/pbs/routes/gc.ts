import { type GcStatus, noGcStatus } from "../gc-work.ts";
import { openStore } from "../groups.ts";
import { runState, startJob } from "../job-runs.ts";
import { type Route, type Server, textOf } from "../route.ts";
import { id, optional } from "../types.ts";

/** What removes chunks that no backup uses, and what it came to. */
export const garbageCollections: readonly Route[] = [
  {
    method: "GET",
    path: "/admin/datastore/{store}/gc",
    parameters: { store: id },
    permission: { path: ["datastore", "{store}"], privilege: "Datastore.Audit" },
    run: (server, values) => ({ data: gcItem(server, openStore(server, textOf(values, "store")).name) }),
  },
  {
    method: "POST",
    path: "/admin/datastore/{store}/gc",
    parameters: { store: id },
    permission: { path: ["datastore", "{store}"], privilege: "Datastore.Modify" },
    async run(server, values, caller) {
      const { name } = openStore(server, textOf(values, "store"), "write");
      return { data: await startJob(server, "gc", name, caller) };
    },
  },
  ...["/admin/gc", "/admin/gc/{store}"].map(
    (path): Route => ({
      method: "GET",
      path,
      parameters: { store: optional(id) },
      run: (server, values, caller) => ({
        data: Object.keys(server.store.state.datastore)
          .filter(
            (name) =>
              (values.store ?? name) === name &&
              server.access.has(caller, ["datastore", name], ["Datastore.Audit"]),
          )
          .map((name) => gcItem(server, name)),
      }),
    }),
  ),
];

/** What the last garbage collection of a datastore came to; zeros where there was none. */
export function gcStatus(server: Server, name: string): Partial<GcStatus> {
  return server.store.state.gcStatus[name] ?? noGcStatus;
}

function gcItem(server: Server, name: string): object {
  const schedule = server.store.state.datastore[name]?.["gc-schedule"];
  const state = runState(server, "gc", name) as Record<string, unknown>;
  const { "last-run-upid": upid, ...times } = state;
  const task = typeof upid === "string" ? server.tasks.find(upid) : undefined;
  return {
    store: name,
    ...gcStatus(server, name),
    ...(schedule === undefined ? {} : { schedule }),
    ...times,
    ...(task?.endtime === undefined ? {} : { duration: task.endtime - task.starttime }),
  };
}
