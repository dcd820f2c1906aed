import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { globalsEnding } from "../dump/dump.ts";
import { hashFile, secondsSince } from "../dump/file.ts";
import { formatSeconds } from "../events.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { type Archive, decodeArchive, readContent, restoreArchive } from "../postgres/archive-file.ts";
import { compareFingerprints } from "../postgres/fingerprint.ts";
import {
  openScratchServer,
  requireScratchSpace,
  type ScratchServer,
  withScratchDatabase,
} from "../postgres/scratch.ts";
import { clientEnvironment } from "../postgres/session.ts";
import { findClientTools } from "../postgres/tools.ts";
import {
  type DatabaseEntry,
  type Level,
  mergeValidation,
  pathOfDump,
  sizeOfDump,
  type Validation,
  writeManifest,
} from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { hasCode } from "../system/files.ts";
import { mapParallel } from "../system/parallel.ts";

type DatabaseResult = Validation["databases"][number];

/**
 * Proves a run at a level and records the result in its manifest; returns the run as it then is. Only under the
 * cluster's lock. Fails as `verification` where the run is not good, and as `preflight` or `unreachable`,
 * recording nothing, where it could not be tried.
 */
export async function validate(context: Context, run: Run, level: Level): Promise<Run> {
  const { report, signal } = context;
  const { manifest } = run;
  const startedAt = context.now().toISOString();
  report.event("info", "validation-started", `validating run ${run.id} (${level})`, {
    run: run.id,
    validationLevel: level,
  });

  const server = level === "restore" ? await openScratchServer(context) : undefined;
  let databases: DatabaseResult[];
  let globalsReason: string | null;
  try {
    const pgRestore = level === "checksum" ? "" : await pgRestoreFor(context, run, server);
    if (server !== undefined) await requireRoom(context, server, manifest.databases);
    globalsReason = await checkGlobals(run, signal);
    databases = await mapParallel(manifest.databases, context.config.jobs, (entry) =>
      validateDatabase(context, run, entry, { level, pgRestore, server }),
    );
  } finally {
    await server?.close();
  }
  signal.throwIfAborted();

  const passed = globalsReason === null && databases.every((database) => database.outcome === "passed");
  const validation: Validation = {
    level,
    outcome: passed ? "passed" : "failed",
    startedAt,
    finishedAt: context.now().toISOString(),
    databases,
    globalsReason,
  };
  const updated = { ...manifest, validation: mergeValidation(manifest.validation, validation) };
  await writeManifest(run.folder, updated);
  if (!passed) {
    const reasons = databases.flatMap(({ name, reason }) =>
      reason === null ? [] : [`  ${JSON.stringify(name)}: ${reason}`],
    );
    if (globalsReason !== null) reasons.push(`  globals: ${globalsReason}`);
    throw new Failure("verification", `run ${run.id} is not good:\n${reasons.join("\n")}`);
  }
  report.event("info", "validation-passed", `run ${run.id} passed (${level})`, {
    run: run.id,
    validationLevel: level,
  });
  return { ...run, manifest: updated };
}

interface Means {
  level: Level;
  pgRestore: string;
  server: ScratchServer | undefined;
}

async function validateDatabase(
  context: Context,
  run: Run,
  entry: DatabaseEntry,
  means: Means,
): Promise<DatabaseResult> {
  const begun = performance.now();
  const { name } = entry;
  let reason: string | null = null;
  let notRestored: string[] = [];
  try {
    notRestored = await prove(context, run, entry, means);
  } catch (error) {
    context.signal.throwIfAborted();
    // What says nothing about the dump must not be recorded against it.
    if (kindOf(error) === "preflight" || kindOf(error) === "unreachable") throw error;
    reason = messageOf(error);
  }
  const durationSeconds = secondsSince(begun);
  const text =
    reason === null
      ? `${JSON.stringify(name)} is good (${means.level}, ${formatSeconds(durationSeconds)})`
      : `${JSON.stringify(name)} is not good: ${reason}`;
  const event = reason === null ? "database-validated" : "database-not-good";
  context.report.event(reason === null ? "info" : "error", event, text, {
    run: run.id,
    database: name,
    durationSeconds,
    ...(notRestored.length > 0 ? { notRestored } : {}),
  });
  return {
    name,
    outcome: reason === null ? "passed" : "failed",
    durationSeconds,
    reason,
    notRestored,
    uncompared: null,
    indexes: null,
    checks: [],
  };
}

async function prove(context: Context, run: Run, entry: DatabaseEntry, means: Means): Promise<string[]> {
  const { signal } = context;
  for (const file of entry.files) await checkFile(run.folder, file, signal);
  if (means.level === "checksum") return [];
  const archive: Archive = {
    path: join(run.folder, pathOfDump(entry)),
    format: entry.format,
    pgRestore: means.pgRestore,
    env: clientEnvironment(context.config.cluster),
  };
  const { server } = means;
  if (server === undefined) {
    await decodeArchive(archive, signal);
    return [];
  }
  // Restoring reads every byte of the archive as decoding would, so that is not done twice.
  return await withScratchDatabase(server, entry, async (scratch) => {
    const notRestored = await restoreArchive(archive, server, scratch, signal);
    if (entry.content === null) return notRestored;
    const differences = compareFingerprints(entry.content, await readContent(server, scratch, signal));
    if (differences.length > 0) {
      const shown = differences.slice(0, 10).join("; ");
      const more = differences.length > 10 ? ` and ${differences.length - 10} more` : "";
      throw new Failure("verification", `the restored copy differs from the source: ${shown}${more}`);
    }
    return notRestored;
  });
}

/** Fails as `verification` where a file is not what the manifest says. */
export async function checkFile(
  folder: string,
  expected: { file: string; sizeBytes: number; sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const actual = await hashFile(join(folder, expected.file), signal).catch((error: unknown) => {
    throw hasCode(error, "ENOENT") ? new Failure("verification", `${expected.file} is missing`) : error;
  });
  if (actual.sizeBytes !== expected.sizeBytes) {
    throw new Failure(
      "verification",
      `${expected.file} has ${actual.sizeBytes} bytes instead of ${expected.sizeBytes}`,
    );
  }
  if (actual.sha256 !== expected.sha256) {
    throw new Failure("verification", `${expected.file} has another SHA-256 than when it was written`);
  }
}

async function checkGlobals(run: Run, signal: AbortSignal): Promise<string | null> {
  const { globals } = run.manifest;
  try {
    await checkFile(run.folder, globals, signal);
    const text = await readFile(join(run.folder, globals.file), "utf8");
    return text.includes(globalsEnding) ? null : `${globals.file} does not end with "${globalsEnding}"`;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

/** pg_restore must be as new as the pg_dump that wrote the archive, and as the scratch server. */
async function pgRestoreFor(context: Context, run: Run, server: ScratchServer | undefined): Promise<string> {
  const writer = Number.parseInt(run.manifest.clientVersion, 10);
  const major = Math.max(writer, server?.facts.major ?? 0);
  return (await findClientTools(context.config, major, context.signal)).pgRestore;
}

async function requireRoom(
  context: Context,
  server: ScratchServer,
  databases: readonly DatabaseEntry[],
): Promise<void> {
  const sizes = databases.map((entry) => entry.databaseBytes ?? sizeOfDump(entry)).toSorted((a, b) => b - a);
  const atOnce = sizes.slice(0, context.config.jobs).reduce((sum, size) => sum + size, 0);
  await requireScratchSpace(context, server, atOnce);
}
