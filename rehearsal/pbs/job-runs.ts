import { nextRun, parseSchedule } from "./calendar.ts";
import { ApiError } from "./errors.ts";
import { collectGarbage } from "./gc-work.ts";
import { openStore } from "./groups.ts";
import type { KeepRules } from "./prune.ts";
import { pruneStore } from "./prune-work.ts";
import { type Server, textOf } from "./route.ts";
import type { Section } from "./state.ts";
import { syncStores } from "./sync-work.ts";
import type { TaskRun } from "./tasks.ts";
import { verifyStore } from "./verify-work.ts";

/** What runs by a schedule. A garbage collection has no job; it belongs to its datastore. */
export type JobType = "prune" | "verification" | "sync" | "gc";

interface Runner {
  readonly worker: string;
  workerId(name: string, job: Section): string;
  work(server: Server, job: Section, run: TaskRun): Promise<void>;
}

const runners: Readonly<Record<JobType, Runner>> = {
  prune: {
    worker: "prunejob",
    workerId: (_, job) => (textOf(job, "ns") === "" ? textOf(job, "store") : `${job.store}:${job.ns}`),
    work: (server, job, run) =>
      pruneStore(
        openStore(server, textOf(job, "store"), "write"),
        { rules: job as KeepRules, ns: textOf(job, "ns"), maxDepth: depthOf(job), dryRun: false },
        run,
      ),
  },
  verification: {
    worker: "verificationjob",
    workerId: (name, job) => `${job.store}:${name}`,
    work: (server, job, run) =>
      verifyStore(
        openStore(server, textOf(job, "store")),
        {
          ns: textOf(job, "ns"),
          maxDepth: depthOf(job),
          ignoreVerified: job["ignore-verified"] !== false,
          outdatedAfterDays: numberOf(job["outdated-after"]),
        },
        run,
        server.now(),
      ),
  },
  sync: {
    worker: "syncjob",
    workerId: (name, job) =>
      `${job.remote ?? "-"}:${job["remote-store"]}:${job.store}:${textOf(job, "ns")}:${name}`,
    work: (server, job, run) => syncStores(server, job, run),
  },
  gc: {
    worker: "garbage_collection",
    workerId: (name) => name,
    async work(server, section, run) {
      const name = textOf(section, "name");
      const store = openStore(server, name, "write");
      const prefix = `datastore/${name}`;
      const times = [...server.writers].flatMap(([group, begun]) =>
        group.startsWith(`${prefix}/`) ? [begun] : [],
      );
      const oldestWriter = times.sort((a, b) => a.getTime() - b.getTime())[0];
      const status = await collectGarbage(store, run, { now: server.now(), oldestWriter });
      await server.store.remember((state) => {
        state.gcStatus[name] = status;
      });
    },
  },
};

/** The sections that may have a schedule, by what they are called. */
export function scheduled(server: Server, type: JobType): Readonly<Record<string, Section>> {
  return server.store.state[type === "gc" ? "datastore" : type];
}

/** When a section is due, as it is written; undefined where it is not, or switched off. */
function scheduleOf(type: JobType, section: Section): string | undefined {
  const text = section[type === "gc" ? "gc-schedule" : "schedule"];
  return typeof text === "string" && section.disable !== true ? text : undefined;
}

/** Starts a job and gives its UPID. @throws ApiError where it runs already. */
export async function startJob(
  server: Server,
  type: JobType,
  name: string,
  caller: string,
  schedule?: string,
): Promise<string> {
  const job = scheduled(server, type)[name];
  if (!job) throw new ApiError(400, `no such ${type} '${name}'`);
  const key = `${type}:${name}`;
  if (isRunning(server, key))
    throw new ApiError(400, `unable to start job '${name}' - it is already running`);
  const runner = runners[type];
  const upid = await server.tasks.start(runner.worker, runner.workerId(name, job), caller, async (run) => {
    if (type !== "gc") await run.log(`Starting ${type} job '${name}'`);
    if (schedule !== undefined) await run.log(`task triggered by schedule '${schedule}'`);
    await runner.work(server, job, run);
  });
  const at = Math.floor(server.now().getTime() / 1000);
  await server.store.remember((state) => {
    state.lastRuns[key] = upid;
    state.scheduledFrom[key] = at;
  });
  return upid;
}

/** Starts everything that has become due since it last ran, or since it was first seen. */
export async function runDue(server: Server): Promise<void> {
  const now = server.now();
  for (const type of Object.keys(runners) as JobType[]) {
    for (const [name, section] of Object.entries(scheduled(server, type))) {
      const key = `${type}:${name}`;
      const schedule = scheduleOf(type, section);
      if (schedule === undefined || isRunning(server, key)) continue;
      if (server.store.state.scheduledFrom[key] === undefined) await begin(server, key, now);
      const due = dueAt(server, key, schedule);
      if (due !== undefined && due <= now) await startJob(server, type, name, "root@pam", schedule);
    }
  }
}

/** How a job's last run went and when the next is due, as the API shows it. */
export function runState(server: Server, type: JobType, name: string): object {
  const key = `${type}:${name}`;
  const upid = server.store.state.lastRuns[key];
  const task = upid === undefined ? undefined : server.tasks.find(upid);
  const section = scheduled(server, type)[name];
  const schedule = section && scheduleOf(type, section);
  const due = schedule === undefined ? undefined : dueAt(server, key, schedule);
  return {
    ...(due === undefined ? {} : { "next-run": Math.floor(due.getTime() / 1000) }),
    ...(task === undefined ? {} : { "last-run-upid": task.upid }),
    ...(task?.endtime === undefined
      ? {}
      : { "last-run-state": task.status, "last-run-endtime": task.endtime }),
  };
}

function dueAt(server: Server, key: string, text: string): Date | undefined {
  const schedule = parseSchedule(text);
  const from = server.store.state.scheduledFrom[key];
  return schedule && nextRun(schedule, from === undefined ? server.now() : new Date(from * 1000));
}

function begin(server: Server, key: string, now: Date): Promise<void> {
  return server.store.remember((state) => {
    state.scheduledFrom[key] = Math.floor(now.getTime() / 1000);
  });
}

function isRunning(server: Server, key: string): boolean {
  const upid = server.store.state.lastRuns[key];
  const task = upid === undefined ? undefined : server.tasks.find(upid);
  return task !== undefined && task.status === undefined;
}

function depthOf(job: Section): number {
  return numberOf(job["max-depth"]) ?? 7;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
