import { owns } from "./groups.ts";
import { remoteAclPath, type Server, storeAclPath } from "./route.ts";
import type { Section } from "./state.ts";
import { localUser } from "./sync-filter.ts";

/** Whether a caller may make, change and run a sync job. The product says nothing about which right is missing. */
export function mayModifySync(server: Server, job: Section, caller: string): boolean {
  return job["sync-direction"] === "push" ? mayPush(server, job, caller) : mayPull(server, job, caller);
}

function mayPull({ access }: Server, job: Section, caller: string): boolean {
  const here = storeAclPath(job);
  const reads =
    job.remote === undefined
      ? access.has(caller, storeAclPath({ store: job["remote-store"], ns: job["remote-ns"] }), [
          "Datastore.Read",
        ])
      : access.has(caller, remoteAclPath(job, ""), ["Remote.Read"]);
  return (
    reads &&
    access.has(caller, here, ["Datastore.Backup"]) &&
    (job["remove-vanished"] !== true || access.has(caller, here, ["Datastore.Prune"])) &&
    mayActFor(job, caller, () => access.has(caller, here, ["Datastore.Modify"]))
  );
}

/** Beside these rights the job itself is limited by those that its owner has while it runs. */
function mayPush({ access }: Server, job: Section, caller: string): boolean {
  const here = storeAclPath(job);
  const there = remoteAclPath(job, String(job["remote-ns"] ?? ""));
  return (
    job.remote !== undefined &&
    access.has(caller, here, ["Datastore.Audit", "Datastore.Read"]) &&
    mayActFor(job, caller, () => access.has(caller, here, ["Datastore.Modify"])) &&
    access.has(caller, there, ["Remote.DatastoreBackup"]) &&
    (job["remove-vanished"] !== true ||
      access.has(caller, there, ["Remote.DatastoreModify", "Remote.DatastorePrune"]))
  );
}

/** For itself or its own tokens; for others only with the right to give backups to them. */
function mayActFor(job: Section, caller: string, mayGive: () => boolean): boolean {
  return owns(localUser(job), caller) || mayGive();
}
