import { constants } from "node:fs";
import { access, readdir, readFile, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { isProven } from "../metrics/backups.ts";
import { filesOf } from "../runs/manifest.ts";
import { listRuns, type Run, requireDirectory, runsFolder } from "../runs/runs.ts";
import { hasCode } from "../system/files.ts";
import { judgeDumps, judgeRoom, type Verdict, worst } from "./judge.ts";

/** A component that is looked up on the host, without the server. */
export type HostProbe = (context: Context) => Promise<Verdict>;

/** Room on the file systems of the dumps and of `health.disks`. */
export const probeDisk: HostProbe = async ({ config: { directory, health } }) => {
  await requireDirectory(directory);
  const verdicts = await Promise.all(
    [...new Set([directory, ...health.disks])].map(async (path) => {
      const { bavail, bfree, blocks, bsize } = await statfs(path);
      // Of what is not kept for the superuser, as df shows it.
      const sizeBytes = (blocks - bfree + bavail) * bsize;
      return judgeRoom(path, { freeBytes: bavail * bsize, sizeBytes }, health.diskPercent);
    }),
  );
  return worst(verdicts, "");
};

/** Memory that programs could still have. */
export const probeMemory: HostProbe = async ({ config: { health } }) => {
  const text = await readFile("/proc/meminfo", "utf8");
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0) * 1024;
  const room = { freeBytes: bytesOf("MemAvailable"), sizeBytes: bytesOf("MemTotal") };
  return judgeRoom("memory", room, health.memoryPercent);
};

/** How old the newest proven dump of each database is that the newest run has, or should have had. */
export const probeDumps: HostProbe = async ({ config, now }) => {
  await requireDirectory(config.directory);
  const { runs } = await listRuns(config.directory, config.cluster.name);
  const newest = runs.at(-1)?.manifest;
  const databases = [...(newest?.databases ?? []), ...(newest?.failed ?? [])].map(({ name }) => name);
  const ages = databases.map((database) => {
    const proof = runs.findLast(({ manifest }) => isProven(manifest, database))?.manifest.finishedAt;
    const ageSeconds = proof === undefined ? null : (now().getTime() - Date.parse(proof)) / 1000;
    return { database, ageSeconds };
  });
  return judgeDumps(ages, config.health.maximumDumpAgeHours);
};

/**
 * Whether the backup folder can be written to and holds what the manifests say: every file, at its size. Their
 * contents are the matter of `dbkeeper validate`.
 */
export const probeFolders: HostProbe = async ({ config: { directory, cluster } }) => {
  await requireDirectory(directory);
  const { runs, unreadable } = await listRuns(directory, cluster.name);
  const verdicts: Verdict[] = unreadable.map(({ reason }) => ({ state: "failing", detail: reason }));
  for (const run of runs) verdicts.push(...(await missingFiles(run)));
  const folder = runsFolder(directory, cluster.name);
  for (const path of [directory, folder]) {
    const problem = await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch(
      (error: unknown) => error,
    );
    if (problem !== undefined && !hasCode(problem, "ENOENT"))
      verdicts.push({ state: "failing", detail: `${path} cannot be read and written` });
  }
  if (await isOpenToOthers(folder))
    verdicts.push({ state: "warning", detail: `${folder} is open to others: chmod 0700 it` });
  return worst(verdicts, `${runs.length} runs are complete in ${folder}`);
};

async function missingFiles({ id, folder, manifest }: Run): Promise<Verdict[]> {
  const lost = await Promise.all(
    filesOf(manifest).map(async ({ file, sizeBytes }): Promise<Verdict[]> => {
      const found = await stat(join(folder, file)).catch(() => undefined);
      if (found?.size === sizeBytes) return [];
      const what = found === undefined ? "is missing" : `has ${found.size} bytes, not ${sizeBytes}`;
      return [{ state: "failing", detail: `run ${id}: ${file} ${what}` }];
    }),
  );
  return lost.flat();
}

async function isOpenToOthers(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined || (await readdir(folder)).length === 0) return false;
  return (found.mode & 0o007) !== 0;
}
