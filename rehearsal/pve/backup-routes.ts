import { randomBytes } from "node:crypto";
import type { Caller } from "./auth.ts";
import { jobOptions } from "./backup-options.ts";
import { nextRun, parseCalendarEvent } from "./calendar.ts";
import { failure, parameterError } from "./errors.ts";
import { configId, parsed, splitList } from "./fields.ts";
import { configId as configIdFormat, listOf } from "./formats.ts";
import { parsePropertyString, propertyObject } from "./property-string.ts";
import { type Route, route } from "./route.ts";
import { nowSeconds, type Simulator } from "./simulator.ts";
import { type Section, toSection } from "./state.ts";

/** Options that a change may take away. */
const deletable = new Set([...Object.keys(jobOptions).filter((key) => key !== "schedule"), "repeat-missed"]);

/** Backup jobs of the cluster. They are run by the scheduler. */
export const backupRoutes: Route[] = [
  route({
    method: "GET",
    path: "/cluster/backup",
    params: {},
    permit: (caller) => caller.require("/", ["Sys.Audit"]),
    run: (_, { sim }) => sim.store.state.backupJobs.map(shownJob),
  }),
  route({
    method: "POST",
    path: "/cluster/backup",
    params: { id: configId().optional(), ...jobOptions },
    permit: (caller, params) => requireChange(caller, params),
    run: async (params, { sim }) => {
      if (params.schedule === undefined) {
        throw parameterError({ schedule: "property is missing and it is not optional" });
      }
      checkSelection(params, true);
      const id = params.id ?? `backup-${randomBytes(4).toString("hex")}-${randomBytes(2).toString("hex")}`;
      const section = { ...toSection(params), id, enabled: params.enabled === false ? 0 : 1 };
      await sim.store.update((state) => {
        if (state.backupJobs.some((job) => job.id === id)) throw failure(`Job '${id}' already exists`);
        state.backupJobs.push(section);
        state.jobRuns[id] = nowSeconds(sim);
      });
    },
  }),
  route({
    method: "GET",
    path: "/cluster/backup/{id}",
    params: { id: configId() },
    permit: (caller) => caller.require("/", ["Sys.Audit"]),
    run: (params, { sim }) => shownJob(jobOf(sim.store.state.backupJobs, params.id)),
  }),
  route({
    method: "PUT",
    path: "/cluster/backup/{id}",
    params: { id: configId(), ...jobOptions, delete: parsed(listOf(configIdFormat)).optional() },
    permit: (caller, params) => requireChange(caller, params),
    run: async ({ id, delete: removed, ...given }, { sim }) => {
      checkSelection(given, false);
      await sim.store.update((state) => {
        const job = jobOf(state.backupJobs, id);
        for (const key of splitList(removed)) {
          if (!deletable.has(key)) throw parameterError({ delete: `unable to delete option '${key}'` });
          delete job[key];
        }
        // A new selection silently replaces the one before.
        if (given.vmid !== undefined) for (const key of ["all", "exclude", "pool"]) delete job[key];
        if (given.all === true) for (const key of ["vmid", "pool"]) delete job[key];
        if (given.pool !== undefined) for (const key of ["vmid", "all", "exclude"]) delete job[key];
        Object.assign(job, toSection(given));
        // A new schedule counts from now on.
        if (given.schedule !== undefined) state.jobRuns[id] = nowSeconds(sim);
      });
    },
  }),
  route({
    method: "DELETE",
    path: "/cluster/backup/{id}",
    params: { id: configId() },
    permit: (caller) => caller.require("/", ["Sys.Modify"]),
    run: async (params, { sim }) => {
      await sim.store.update((state) => {
        const job = jobOf(state.backupJobs, params.id);
        state.backupJobs = state.backupJobs.filter((other) => other !== job);
        delete state.jobRuns[params.id];
      });
    },
  }),
  route({
    method: "GET",
    path: "/cluster/backup-info/not-backed-up",
    params: {},
    permit: (caller) => caller.require("/", ["Sys.Audit"]),
    run: (_, { sim }) =>
      Object.entries(sim.store.state.vms)
        .filter(([id]) => !sim.store.state.backupJobs.some((job) => covers(sim, job, Number(id))))
        .map(([id, vm]) => ({ vmid: Number(id), type: "qemu", name: vm.config.name ?? `VM ${id}` })),
  }),
];

function requireChange(
  caller: Caller,
  params: { storage?: string | undefined; pool?: string | undefined },
): void {
  caller.require("/", ["Sys.Modify"]);
  if (params.storage !== undefined) caller.require(`/storage/${params.storage}`, ["Datastore.Allocate"]);
  if (params.pool !== undefined) caller.require(`/pool/${params.pool}`, ["VM.Backup"]);
}

interface Selection {
  all?: boolean | undefined;
  vmid?: string | undefined;
  pool?: string | undefined;
  exclude?: string | undefined;
}

function checkSelection(given: Selection, isNew: boolean): void {
  const conflict = (name: string, other: string) =>
    parameterError({ [name]: `option conflicts with option '${other}'` });
  if (given.all === true && given.vmid !== undefined) throw conflict("all", "vmid");
  if (given.exclude !== undefined && given.vmid !== undefined) throw conflict("exclude", "vmid");
  if (given.pool !== undefined && given.vmid !== undefined) throw conflict("pool", "vmid");
  if (given.pool !== undefined && given.all === true) throw conflict("pool", "all");
  if (isNew && given.all !== true && given.vmid === undefined && given.pool === undefined) {
    throw parameterError({ vmid: "property is missing and it is not optional" });
  }
}

function jobOf(jobs: readonly Section[], id: string): Section {
  const job = jobs.find((candidate) => candidate.id === id);
  if (job === undefined) throw parameterError({ id: `No such job '${id}'` });
  return job;
}

/** Property strings are written as strings and read as objects. */
function shownJob(job: Section): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...job, type: "vzdump" };
  for (const key of ["prune-backups", "performance"]) {
    if (job[key] !== undefined) shown[key] = propertyObject(String(job[key]));
  }
  if (job.fleecing !== undefined) {
    shown.fleecing = Object.fromEntries(parsePropertyString(String(job.fleecing), "enabled"));
  }
  if (job.enabled !== 0) {
    const next = nextRun(parseCalendarEvent(String(job.schedule)), Math.floor(Date.now() / 1000));
    if (next !== undefined) shown["next-run"] = next;
  }
  return shown;
}

function covers(sim: Simulator, job: Section, id: number): boolean {
  if (job.enabled === 0) return false;
  const vm = sim.store.state.vms[id];
  if (job.node !== undefined && vm?.node !== job.node) return false;
  if (job.vmid !== undefined) return splitList(String(job.vmid)).includes(String(id));
  if (job.pool !== undefined) return sim.store.state.pools[String(job.pool)]?.vmids.includes(id) ?? false;
  return job.all === 1 && !splitList(String(job.exclude ?? "")).includes(String(id));
}
