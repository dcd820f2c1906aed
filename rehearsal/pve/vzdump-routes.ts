import { jobOptions, vmidList } from "./backup-options.ts";
import { ApiError, parameterError } from "./errors.ts";
import { boolean, node, pattern, text } from "./fields.ts";
import { type Route, route } from "./route.ts";
import { nodeOf } from "./simulator.ts";
import { toSection } from "./state.ts";
import { requireContent, storageOf } from "./volumes.ts";
import { runBackup, selectGuests } from "./vzdump.ts";

const { enabled: _, schedule: __, "repeat-missed": ___, comment: ____, ...options } = jobOptions;

/** Backing guests up at once. */
export const vzdumpRoutes: Route[] = [
  route({
    method: "POST",
    path: "/nodes/{node}/vzdump",
    params: {
      ...options,
      node: node(),
      vmid: vmidList().optional(),
      "job-id": pattern(/^\S{1,50}$/).optional(),
      quiet: boolean().optional(),
      stop: boolean().optional(),
      dumpdir: text().optional(),
      script: text().optional(),
      tmpdir: text().optional(),
    },
    permit: (caller, params, sim) => {
      for (const name of ["dumpdir", "script", "tmpdir"] as const) {
        if (params[name] !== undefined && !caller.isRoot) {
          throw new ApiError(403, `Permission check failed (${name}: only root can set this option)`);
        }
      }
      if (params["prune-backups"] !== undefined && params.storage !== undefined) {
        caller.require(`/storage/${params.storage}`, ["Datastore.Allocate"]);
      }
      if ([params.bwlimit, params.ionice, params.performance].some((value) => value !== undefined)) {
        caller.require("/", ["Sys.Modify"]);
      }
      const { here } = selectGuests(sim, params.node, toSection(params));
      for (const vmid of here) caller.require(`/vms/${vmid}`, ["VM.Backup"]);
      if (params.storage !== undefined) {
        caller.require(`/storage/${params.storage}`, ["Datastore.AllocateSpace"]);
      }
    },
    run: ({ node: name, stop, quiet: _quiet, ...given }, { sim, caller }) => {
      nodeOf(sim, name);
      if (stop === true) return "OK";
      for (const [option, needed] of [
        ["notes-template", "storage"],
        ["protected", "storage"],
      ] as const) {
        if (given[option] !== undefined && given[needed] === undefined) {
          throw parameterError({ [needed]: `missing property - '${option}' requires this property` });
        }
      }
      if (given.vmid === undefined && given.all !== true && given.pool === undefined) {
        throw parameterError({ vmid: "property is missing and it is not optional" });
      }
      const storage = given.storage ?? "local";
      requireContent(storage, storageOf(sim, storage, name), "backup");
      const section = { ...toSection(given), storage };
      const { here, elsewhere } = selectGuests(sim, name, section);
      // The guest is on another node: nothing is done, and nothing says so but the missing task.
      if (here.length === 0) return "OK";
      const run = { node: name, vmids: here, elsewhere, options: section };
      const about = {
        node: name,
        type: "vzdump",
        id: here.length === 1 ? String(here[0]) : "",
        user: caller.id,
      };
      return sim.tasks.start(about, (log) => runBackup(sim, run, log));
    },
  }),
];
