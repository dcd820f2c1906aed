import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../lib/files.ts";
import { type BackupRequest, BackupWriter } from "./backup-writer.ts";
import { ApiError, diskReason } from "./errors.ts";
import { type OpenStore, openStore, ownOnly, requireOwner } from "./groups.ts";
import { tellOfRules } from "./rate-limit.ts";
import { type Server, storeAclPath } from "./route.ts";
import {
  folders,
  groupFolders,
  groupOwner,
  listSnapshots,
  namespaceExists,
  namespaceFolder,
  type Snapshot,
} from "./snapshots.ts";
import { verifyStore } from "./verify-work.ts";

const unfinished = "backup ended but finished flag is not set.";

/** A backup that has begun, and what its client may reuse. */
export interface BegunBackup {
  readonly writer: BackupWriter;
  readonly upid: string;
  readonly previous: readonly string[];
  /** Ends the task, well when the backup has been finished. */
  end(finished: boolean): void;
  /** Aborted when somebody stops the task. */
  readonly signal: AbortSignal;
  /** Resolves when nothing of it runs any more. */
  readonly ended: Promise<void>;
}

/** Begins a backup, with the checks and in the words of the product. @throws ApiError */
export async function beginBackup(
  server: Server,
  request: BackupRequest,
  caller: string,
): Promise<BegunBackup> {
  ownOnly(server, request, caller, ["Datastore.Backup"], []);
  const store = openStore(server, request.store, "write");
  if (!(await namespaceExists(store.root, request.ns))) throw new ApiError(404, "namespace not found");
  const { "backup-type": type, "backup-id": id, "backup-time": time } = request;
  const { writers } = server;
  const group = [...storeAclPath({ ...request }), type, id].join("/");
  if (writers.has(group)) {
    throw new ApiError(400, `unable to acquire lock on group '${type}/${id}' - another backup is running`);
  }
  writers.set(group, server.now());
  try {
    await claimGroup(store, request, caller);
    const snapshots = (await listSnapshots(store.root, request.ns)).filter(
      (snapshot) => snapshot.type === type && snapshot.id === id,
    );
    // What failed its verification is sent anew, which heals damaged chunks.
    const last =
      snapshots[0]?.manifest?.unprotected?.verify_state?.state === "failed" ? undefined : snapshots[0];
    if (last && time <= last.time) throw new ApiError(400, "backup timestamp is older than last backup.");
    if (snapshots.some((snapshot) => snapshot.time === time)) {
      throw new ApiError(400, "backup directory already exists.");
    }
    return await startTask(server, store, request, caller, last, () => writers.delete(group));
  } catch (error) {
    writers.delete(group);
    throw error;
  }
}

async function startTask(
  server: Server,
  store: OpenStore,
  request: BackupRequest,
  caller: string,
  last: Snapshot | undefined,
  release: () => void,
): Promise<BegunBackup> {
  const begun = Promise.withResolvers<Omit<BegunBackup, "upid" | "ended">>();
  const end = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<void>();
  const worker = `${store.name}:${request["backup-type"]}/${request["backup-id"]}`;
  const upid = await server.tasks.start("backup", worker, caller, async (run) => {
    const writer = new BackupWriter(request, store, run.log);
    const stop = () => end.resolve(false);
    run.signal.addEventListener("abort", stop, { once: true });
    try {
      await writer.begin();
      await tellOfRules(server, run);
      begun.resolve({
        writer,
        previous: await writer.registerPrevious(last),
        end: end.resolve,
        signal: run.signal,
      });
      if (await end.promise) {
        await run.log("backup finished successfully");
        return await verifyNew(server, store, request, caller);
      }
      const reason = run.signal.aborted ? "task aborted" : unfinished;
      await run.log(
        run.signal.aborted ? `backup failed: ${reason}` : `backup ended and finish failed: ${reason}`,
      );
      await run.log(run.signal.aborted ? "removing failed backup" : "removing unfinished backup");
      throw new Error(reason);
    } catch (error) {
      begun.reject(error);
      throw error;
    } finally {
      await writer.remove();
      release();
      ended.resolve();
    }
  });
  return { ...(await begun.promise), upid, ended: ended.promise };
}

/** A datastore with `verify-new` reads what has just been written once, in a task of its own. */
async function verifyNew(
  server: Server,
  store: OpenStore,
  request: BackupRequest,
  caller: string,
): Promise<void> {
  if (server.store.state.datastore[store.name]?.["verify-new"] !== true) return;
  const { "backup-type": type, "backup-id": id, "backup-time": time, ns } = request;
  const worker = `${store.name}:${type}/${id}/${time.toString(16).toUpperCase().padStart(8, "0")}`;
  const work = { ns, maxDepth: 0, group: { type, id }, time, ignoreVerified: false };
  await server.tasks.start("verify", worker, caller, async (run) => {
    await run.log("Automatically verifying newly added snapshot");
    await verifyStore(store, work, run, server.now());
  });
}

/** The first who writes to a group owns it. */
async function claimGroup(store: OpenStore, request: BackupRequest, caller: string): Promise<void> {
  const { "backup-type": type, "backup-id": id, ns } = request;
  const owner = await groupOwner(store.root, ns, type, id);
  if (owner !== undefined) return requireOwner(owner, caller);
  const path = join(namespaceFolder(store.root, ns), type, id, "owner");
  try {
    await writeFileAtomic(path, `${caller}\n`);
  } catch (error) {
    throw new ApiError(400, `unable to create owner file of '${type}/${id}' - ${diskReason(error)}`);
  }
}

/** Removes what backups left that were running when the server died. */
export async function removeUnfinished(root: string): Promise<void> {
  for (const group of await groupFolders(root)) {
    for (const name of await folders(group)) {
      if (/^\.[0-9a-f-]{36}\.tmp$/.test(name)) await rm(join(group, name), { recursive: true, force: true });
    }
  }
}
