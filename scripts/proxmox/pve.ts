import type { Family } from "../metrics/family.ts";
import * as answers from "./answers.ts";
import type { Api } from "./client.ts";
import { guestNames } from "./names.ts";
import type { Part, Surroundings } from "./part.ts";
import { backupFamilies, runningFamilies, withBackups } from "./pve-backups.ts";
import {
  backupJobFamilies,
  clusterFamilies,
  guestsIn,
  lockFamilies,
  locksIn,
  resourceFamilies,
} from "./pve-metrics.ts";
import { type GuestBackup, guestBackups } from "./vzdump-log.ts";

const daySeconds = 86_400;
/** How far back the first run looks: over a weekly backup, and over one that was missed. */
const firstLookSeconds = 15 * daySeconds;
/** No backup runs longer: tasks are found by when they began. */
const longestRunSeconds = 2 * daySeconds;
const logPageLines = 5000;
const logMaximumPages = 40;

/** What is asked of the cluster. */
export function pveParts(api: Api, around: Surroundings): Part[] {
  const { config, state, nowSeconds } = around;
  const resources = once(async () => {
    const rows = await api.get("/cluster/resources", answers.resources);
    // Nobody is refused here: without the right to see it, the list is empty.
    if (rows.length === 0 || (guestsIn(rows).length === 0 && Object.keys(config.guests).length > 0))
      throw new Error("the token sees no guest: it needs the role PVEAuditor on /, and its user too");
    return { rows, names: guestNames(config.guests, guestsIn(rows)) };
  });
  return [
    {
      name: "cluster",
      read: async () => clusterFamilies(await api.get("/cluster/status", answers.clusterStatus)),
    },
    {
      name: "resources",
      read: async () => {
        const { rows, names } = await resources();
        const locks = locksIn(rows, names).map(({ guest, lock }) => {
          const key = `${guest} ${lock}`;
          return { guest, lock, key, firstSeen: state.locks[key] ?? nowSeconds };
        });
        state.locks = Object.fromEntries(locks.map(({ key, firstSeen }) => [key, firstSeen]));
        return [...resourceFamilies(rows, names), ...lockFamilies(locks)];
      },
    },
    {
      name: "jobs",
      read: async () => {
        const { rows, names } = await resources();
        const jobs = await api.get("/cluster/backup", answers.backupJobs);
        const uncovered = await api.get("/cluster/backup-info/not-backed-up", answers.notBackedUp);
        return backupJobFamilies(jobs, uncovered, guestsIn(rows), names);
      },
    },
    {
      name: "tasks",
      everySeconds: config.slowIntervalSeconds,
      read: async () => {
        const { rows, names } = await resources();
        const online = rows.flatMap(({ type, node, status }) =>
          type === "node" && node !== undefined && status === "online" ? [node] : [],
        );
        const running = await readBackups(api, online, around);
        return [...running, ...backupFamilies(state.backups.last, names)];
      },
    },
  ];
}

/** Reads the runs of vzdump that have ended since the last time into the state; gives those that go on. */
async function readBackups(
  api: Api,
  nodes: readonly string[],
  { state, nowSeconds }: Surroundings,
): Promise<Family[]> {
  const { readAt, seen, last } = state.backups;
  const since = readAt === 0 ? nowSeconds - firstLookSeconds : readAt - longestRunSeconds;
  const tasks: (answers.ClusterTask & { node: string })[] = [];
  for (const node of nodes) {
    const query = { typefilter: "vzdump", source: "all", since, limit: 1000 };
    const found = await api.get(`/nodes/${node}/tasks`, answers.clusterTasks, query);
    tasks.push(...found.map((task) => ({ ...task, node })));
  }
  const ended: GuestBackup[] = [];
  const nowSeen: Record<string, number> = {};
  for (const { upid, node, endtime, ...task } of tasks) {
    if (endtime === undefined) continue;
    if (seen[upid] === undefined)
      ended.push(...guestBackups({ ...task, endtime }, await readLog(api, node, upid)));
    nowSeen[upid] = endtime;
  }
  // Of nodes that are off now, tasks may come late: what was seen of them is remembered as well.
  const recent = Object.entries(seen).filter(([, endtime]) => endtime > nowSeconds - firstLookSeconds);
  state.backups = {
    readAt: nowSeconds,
    seen: { ...Object.fromEntries(recent), ...nowSeen },
    last: withBackups(last, ended),
  };
  return runningFamilies(tasks);
}

async function readLog(api: Api, node: string, upid: string): Promise<string[]> {
  const lines: string[] = [];
  for (let page = 0; page < logMaximumPages; page++) {
    const found = await api.get(`/nodes/${node}/tasks/${encodeURIComponent(upid)}/log`, answers.logLines, {
      start: lines.length,
      limit: logPageLines,
    });
    lines.push(...found.map(({ t }) => t));
    if (found.length < logPageLines) break;
  }
  return lines;
}

/** Asks at most once, and gives everybody the same answer or failure. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}
