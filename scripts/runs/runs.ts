import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure, messageOf } from "../exit-codes.ts";
import { hasCode, syncFolder } from "../system/files.ts";
import { filesOf, type Manifest, manifestFile, type RunFile, readManifest } from "./manifest.ts";

/** A complete run on disk. */
export interface Run {
  /** Name of its folder: UTC start time as `YYYYMMDDTHHMMSSZ`. */
  id: string;
  folder: string;
  manifest: Manifest;
}

/** What lies in the folder of a cluster. */
export interface Inventory {
  /** Oldest first. */
  runs: Run[];
  /** Runs whose manifest cannot be read: reported, never counted, never pruned. */
  unreadable: { id: string; reason: string }[];
}

const runName = /^\d{8}T\d{6}Z$/;
/** A manifest whose writing was interrupted. */
const abandoned = /^\.manifest\.json\.[0-9a-f.]+\.tmp$/;

/** Folder of all runs of a cluster. */
export function runsFolder(directory: string, cluster: string): string {
  return join(directory, "full", cluster);
}

/** Reads what is there; an absent folder is an empty inventory. */
export async function listRuns(directory: string, cluster: string): Promise<Inventory> {
  const folder = runsFolder(directory, cluster);
  const inventory: Inventory = { runs: [], unreadable: [] };
  for (const id of (await namesIn(folder)).filter((name) => runName.test(name)).toSorted()) {
    try {
      inventory.runs.push({ id, folder: join(folder, id), manifest: await readManifest(join(folder, id)) });
    } catch (error) {
      inventory.unreadable.push({ id, reason: messageOf(error) });
    }
  }
  return inventory;
}

/** Finds one run, the newest by default. Fails as `preflight` where there is none. */
export async function findRun(directory: string, cluster: string, id?: string): Promise<Run> {
  const { runs, unreadable } = await listRuns(directory, cluster);
  const run = id === undefined ? runs.at(-1) : runs.find((candidate) => candidate.id === id);
  const broken = unreadable.at(-1);
  const damaged = unreadable.find((candidate) => candidate.id === id);
  if (damaged !== undefined) throw new Failure("verification", damaged.reason);
  if (id === undefined && broken !== undefined && broken.id > (run?.id ?? "")) {
    throw new Failure("verification", `the newest run is damaged: ${broken.reason}`);
  }
  if (run !== undefined) return run;
  const folder = runsFolder(directory, cluster);
  throw new Failure(
    "preflight",
    `there is no run ${id ?? "yet"} in ${folder}; \`dbkeeper status\` lists what is there`,
  );
}

/** A run that is being written, under a name that nobody takes for a complete one. */
export interface UnfinishedRun {
  id: string;
  folder: string;
  /** Makes everything durable and gives the folder its final name. */
  publish(): Promise<string>;
  discard(): Promise<void>;
}

/** Starts the folder of a new run. The id is the start time, a second later where that is taken. */
export async function startRun(directory: string, cluster: string, startedAt: Date): Promise<UnfinishedRun> {
  const parent = runsFolder(directory, cluster);
  try {
    const made = await mkdir(parent, { recursive: true, mode: 0o700 });
    // The first run must not be lost with the folders that it is in.
    if (made !== undefined) await Promise.all([syncFolder(directory), syncFolder(dirname(parent))]);
  } catch (error) {
    throw new Failure("preflight", `cannot write to ${directory}: ${messageOf(error)}`);
  }
  const taken = new Set(await namesIn(parent));
  let time = startedAt.getTime();
  while (taken.has(runIdOf(new Date(time)))) time += 1000;
  const id = runIdOf(new Date(time));
  const folder = join(parent, `.${id}.partial`);
  await mkdir(folder, { mode: 0o700 });
  return {
    id,
    folder,
    async publish() {
      await syncFolder(folder);
      await rename(folder, join(parent, id));
      await syncFolder(parent);
      return join(parent, id);
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * Removes a complete run. It loses its final name first, so that a crash cannot leave half a run under it.
 * Refuses a folder that holds files which the manifest does not name: they are not ours to delete.
 */
export async function removeRun(run: Run): Promise<void> {
  const top = ({ file }: RunFile) => file.split("/")[0] ?? file;
  const ours = new Set([manifestFile, ...filesOf(run.manifest).map(top)]);
  const foreign = (await namesIn(run.folder)).filter((name) => !ours.has(name) && !abandoned.test(name));
  if (foreign.length > 0) {
    throw new Error(
      `${run.folder} holds files that its manifest does not name (${foreign.join(", ")}); move them away`,
    );
  }
  const parent = join(run.folder, "..");
  const doomed = join(parent, `.${run.id}.partial`);
  await rename(run.folder, doomed);
  await syncFolder(parent);
  await rm(doomed, { recursive: true, force: true });
}

/** Bytes of all files of a run. */
export function sizeOfRun(manifest: Manifest): number {
  return filesOf(manifest).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Refuses as `preflight` where the backup folder itself is missing: probably its disk is not mounted. */
export async function requireDirectory(directory: string): Promise<void> {
  try {
    if ((await stat(directory)).isDirectory()) return;
  } catch (error) {
    if (!hasCode(error, "ENOENT"))
      throw new Failure("preflight", `cannot use ${directory}: ${messageOf(error)}`);
  }
  throw new Failure(
    "preflight",
    `the backup folder ${directory} does not exist; mount its disk or create it`,
  );
}

function runIdOf(time: Date): string {
  return `${time.toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
