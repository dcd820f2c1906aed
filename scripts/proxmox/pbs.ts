import * as answers from "./answers.ts";
import type { Api } from "./client.ts";
import { guestNames } from "./names.ts";
import type { Part, Surroundings } from "./part.ts";
import {
  collectionFamilies,
  datastoreFamilies,
  failedTaskFamilies,
  jobFamilies,
  jobTypes,
} from "./pbs-metrics.ts";
import { type Listed, snapshotFamilies } from "./snapshots.ts";

const daySeconds = 86_400;

/** What is asked of the backup server. */
export function pbsParts(api: Api, { config, nowSeconds }: Surroundings): Part[] {
  const datastores = async () => {
    const list = await api.get("/admin/datastore", answers.datastores);
    // Nobody is refused here: without the right to see it, the list is empty.
    if (list.length === 0)
      throw new Error("the token sees no datastore: it needs the role DatastoreAudit, and its user too");
    return list;
  };
  return [
    {
      name: "datastores",
      read: async () => {
        const usages = await api.get("/status/datastore-usage", answers.usages);
        return datastoreFamilies(await datastores(), usages, nowSeconds);
      },
    },
    {
      name: "gc",
      read: async () => collectionFamilies(await api.get("/admin/gc", answers.collections)),
    },
    {
      name: "jobs",
      read: async () => {
        const lists = await Promise.all(
          jobTypes.map(async (type) => {
            const query: Record<string, string> = type === "sync" ? { "sync-direction": "all" } : {};
            const jobs = await api.get(`/admin/${type}`, answers.jobs, query);
            return jobs.map((job) => ({ ...job, type }));
          }),
        );
        return jobFamilies(lists.flat());
      },
    },
    {
      name: "tasks",
      read: async () => {
        // They are found by when they began; a verification may take its time.
        const query = { errors: 1, since: nowSeconds - 3 * daySeconds, limit: 0 };
        const tasks = await api.get("/nodes/localhost/tasks", answers.backupServerTasks, query);
        return failedTaskFamilies(tasks, nowSeconds - daySeconds);
      },
    },
    {
      name: "snapshots",
      everySeconds: config.slowIntervalSeconds,
      read: async () => {
        const listed: Listed[] = [];
        for (const { store: datastore } of await datastores()) {
          const path = `/admin/datastore/${datastore}`;
          for (const { ns } of await api.get(`${path}/namespace`, answers.namespaces)) {
            const snapshots = await api.get(`${path}/snapshots`, answers.snapshots, ns === "" ? {} : { ns });
            listed.push({ datastore, namespace: ns, snapshots });
          }
        }
        return snapshotFamilies(listed, guestNames(config.guests));
      },
    },
  ];
}
