import { chmod, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { RunFile } from "../runs/manifest.ts";
import { runPipeline, type Stage } from "../system/child.ts";
import { syncFolder } from "../system/files.ts";
import { mapParallel } from "../system/parallel.ts";
import { hashFile } from "./file.ts";

/**
 * Lets pg_dump write a folder `name` in the run's folder, then makes every file durable (mode 0600) and takes its size
 * and SHA-256. Fails when pg_dump does, or where there is no table of contents.
 */
export async function writeDumpFolder(
  runFolder: string,
  name: string,
  stages: readonly Stage[],
  { signal, jobs }: { signal: AbortSignal; jobs: number },
): Promise<RunFile[]> {
  await runPipeline(stages, { signal });
  const folder = join(runFolder, name);
  const names = (await readdir(folder)).toSorted();
  if (!names.includes("toc.dat")) {
    throw new Error(`pg_dump wrote no table of contents to ${name}, although it reported no failure`);
  }
  const files = await mapParallel(names, jobs, async (file) => {
    const path = join(folder, file);
    await chmod(path, 0o600);
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { file: `${name}/${file}`, ...(await hashFile(path, signal)) };
  });
  await syncFolder(folder);
  return files;
}
