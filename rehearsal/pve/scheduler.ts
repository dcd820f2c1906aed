import { nextRun, parseCalendarEvent } from "./calendar.ts";
import { nowSeconds, type Simulator } from "./simulator.ts";
import { runBackup, selectGuests } from "./vzdump.ts";

/**
 * Starts the backup jobs whose time has come, on every node that holds a guest of them, as the nodes' schedulers do
 * once a minute.
 *
 * @returns ids of the tasks that were started
 */
export async function runDueJobs(sim: Simulator): Promise<string[]> {
  const now = nowSeconds(sim);
  const { backupJobs, jobRuns, offlineNodes } = sim.store.state;
  const started: string[] = [];
  for (const job of backupJobs) {
    const id = String(job.id);
    const last = jobRuns[id] ?? now;
    const next = nextRun(parseCalendarEvent(String(job.schedule)), last);
    const isDue = job.enabled !== 0 && next !== undefined && next <= now;
    if (!isDue && jobRuns[id] !== undefined) continue;
    // Remembered before it runs: a crash in the middle must not run it again and again.
    await sim.store.update((state) => {
      state.jobRuns[id] = now;
    });
    if (!isDue) continue;
    for (const { name: node } of sim.config.nodes) {
      if (offlineNodes.includes(node) || (job.node !== undefined && job.node !== node)) continue;
      const { here, elsewhere } = selectGuests(sim, node, job);
      if (here.length === 0) continue;
      const run = { node, vmids: here, elsewhere, options: { ...job, "job-id": id } };
      const about = { node, type: "vzdump", id: here.length === 1 ? String(here[0]) : "", user: "root@pam" };
      started.push(await sim.tasks.start(about, (log) => runBackup(sim, run, log)));
    }
  }
  return started;
}

/** Forgets the runs that were missed while nothing ran, except of jobs that are to be repeated. */
export async function skipMissedJobs(sim: Simulator): Promise<void> {
  const now = nowSeconds(sim);
  await sim.store.update((state) => {
    for (const job of state.backupJobs) {
      if (job["repeat-missed"] !== 1) state.jobRuns[String(job.id)] = now;
    }
  });
}
