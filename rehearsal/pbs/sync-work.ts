import type { Server } from "./route.ts";
import type { Section } from "./state.ts";
import type { TaskRun } from "./tasks.ts";

/** Copies backups between datastores. */
export async function syncStores(_server: Server, job: Section, _run: TaskRun): Promise<void> {
  throw new Error(`the simulated server does not ${job["sync-direction"] ?? "pull"} backups`);
}
