import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { openDumpFile } from "../encryption/encryption.ts";
import { type DatabaseEntry, pathOfDump } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { type PipelineOptions, readOutput, runPipeline, type Stage } from "../system/child.ts";
import { withTemporaryFolder } from "../system/temporary.ts";
import { databaseOption } from "./quote.ts";
import type { ScratchServer } from "./scratch.ts";
import { clientEnvironment } from "./session.ts";
import { selectEntries } from "./toc.ts";

/** A dump and the pg_restore that reads it. */
export interface Archive {
  /** A file; a folder where the format is `directory`. */
  path: string;
  format: DatabaseEntry["format"];
  /** Programs that decrypt the file; default none. */
  decrypt?: readonly Stage[];
  pgRestore: string;
  /** Environment of pg_restore. */
  env: Record<string, string>;
}

/** The archive that holds a database of a run. Fails as `preflight` where it is encrypted and there is no key for it. */
export async function archiveOf(
  run: Pick<Run, "folder" | "manifest">,
  entry: DatabaseEntry,
  pgRestore: string,
  config: Config,
): Promise<Archive> {
  const { path, stages } = await openDumpFile(run, pathOfDump(entry), config);
  return { path, decrypt: stages, format: entry.format, pgRestore, env: clientEnvironment(config.cluster) };
}

/**
 * Reads and decompresses the whole archive without a server; fails where any of it cannot be read.
 */
export async function decodeArchive(archive: Archive, signal: AbortSignal): Promise<void> {
  await readArchive(archive, ["--file=/dev/null"], (stages, options) => runPipeline(stages, options), {
    signal,
  });
}

/**
 * Restores an archive into an empty scratch database, without owners, rights and tablespaces, and stops at the
 * first error. Returns the objects without rows that were left out (see {@link selectEntries}).
 */
export async function restoreArchive(
  archive: Archive,
  server: ScratchServer,
  scratch: string,
  signal: AbortSignal,
): Promise<string[]> {
  const listing = await readArchive(archive, ["--list", "--verbose"], readOutput, {
    signal,
    readsOnlyTheStart: true,
  });
  const { list, leftOut } = selectEntries(listing, {
    superuser: server.facts.superuser,
    untrustedExtensions: server.untrustedExtensions,
  });
  await withTemporaryFolder(async (folder) => {
    const listFile = join(folder, "entries");
    await writeFile(listFile, list, { mode: 0o600 });
    const target: Archive = {
      ...archive,
      env: {
        ...clientEnvironment(server.connection),
        // The scratch database need not survive a crash of the server.
        PGOPTIONS: "-c synchronous_commit=off -c statement_timeout=0 -c lock_timeout=0",
      },
    };
    const args = [
      "--exit-on-error",
      "--no-owner",
      "--no-privileges",
      "--no-tablespaces",
      "--no-password",
      `--use-list=${listFile}`,
      databaseOption(scratch),
    ];
    await readArchive(target, args, (stages, options) => runPipeline(stages, options), { signal });
  });
  return leftOut;
}

/**
 * Lets pg_restore with these arguments read an archive, behind whatever decrypts and decompresses it. `run` starts the
 * programs, for example `runPipeline`.
 */
export async function readArchive<T>(
  archive: Archive,
  args: readonly string[],
  run: (stages: readonly Stage[], options: PipelineOptions) => Promise<T>,
  options: PipelineOptions,
): Promise<T> {
  const { env, format, path, pgRestore, decrypt = [] } = archive;
  if (format === "directory") {
    return await run([{ file: pgRestore, args: [...args, path], env }], options);
  }
  const stages: Stage[] = [...decrypt];
  if (format === "custom+zstd") stages.push({ file: "zstd", args: ["-q", "-d", "-c"], env });
  stages.push({ file: pgRestore, args, env });
  const handle = await open(path, "r");
  try {
    return await run(stages, { ...options, inputFd: handle.fd });
  } finally {
    await handle.close();
  }
}
