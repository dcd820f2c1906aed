import { openStore } from "./groups.ts";
import { tellOfRules, transferLimits } from "./rate-limit.ts";
import { type Server, textOf } from "./route.ts";
import type { Section } from "./state.ts";
import { localUser } from "./sync-filter.ts";
import { Pull } from "./sync-pull.ts";
import { Push } from "./sync-push.ts";
import { localSource, remoteTarget, sourceOf } from "./sync-source.ts";
import { PushTarget } from "./sync-target.ts";
import type { TaskRun } from "./tasks.ts";

/**
 * Copies backups into a datastore, or from it to another server. What fails is told in the log, the rest is copied; the
 * task fails at the end.
 */
export async function syncStores(server: Server, job: Section, run: TaskRun): Promise<void> {
  refuseKeys(job);
  await tellOfRules(server, run);
  const limits = job.remote === undefined ? {} : transferLimits(job);
  if (job["sync-direction"] === "push") {
    const source = localSource(server, textOf(job, "store"), localUser(job));
    const target = new PushTarget(remoteTarget(server, job), `${job.remote}/${job["remote-store"]}`);
    await new Push({ server, source, target, job, run, limits }).run();
  } else {
    const store = openStore(server, textOf(job, "store"), "write");
    await new Pull({ server, store, source: sourceOf(server, job), job, run, limits }).run();
  }
}

/** No key can be made on the simulated server, so there is none that a job could name. */
function refuseKeys(job: Section): void {
  const named = [job["active-encryption-key"], job["associated-key"]].flat();
  const key = named.find((name) => name !== undefined);
  if (key !== undefined) throw new Error(`encryption key '${key}' does not exist`);
}
