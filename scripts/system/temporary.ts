import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "./files.ts";

/** Lets `use` work in a folder of its own, which is removed in the end; what killed processes have left goes first. */
export async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  await removeAbandonedFolders();
  const folder = await mkdtemp(join(tmpdir(), `dbkeeper-${process.pid}-`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeAbandonedFolders(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = /^dbkeeper-(\d+)-[A-Za-z0-9]{6}$/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    // Anybody may make a folder of such a name there, and swap it for a link meanwhile: only our own is safe.
    const isOurs = await lstat(folder).then(
      (found) => found.isDirectory() && found.uid === process.geteuid?.(),
      () => false,
    );
    if (isOurs) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
