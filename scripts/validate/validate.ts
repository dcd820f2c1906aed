import type { Context } from "../context.ts";
import { formatSeconds } from "../events.ts";
import { Failure } from "../exit-codes.ts";
import { openScratchServer, requireScratchSpace, type ScratchServer } from "../postgres/scratch.ts";
import { findClientTools } from "../postgres/tools.ts";
import {
  type DatabaseEntry,
  isValidated,
  type Level,
  mergeValidation,
  sizeOfDump,
  type Validation,
  writeManifest,
} from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { mapParallel } from "../system/parallel.ts";
import { checksWithoutDatabase } from "./checks.ts";
import { checkGlobals } from "./files.ts";
import { type DatabaseResult, type Means, proveDatabase } from "./proof.ts";

/**
 * Proves a run at a level and records the result in its manifest; returns the run as it then is. Only under the
 * cluster's lock. Fails as `verification` where the run is not good, and as `preflight` or `unreachable`,
 * recording nothing, where it could not be tried.
 */
export async function validate(context: Context, run: Run, level: Level): Promise<Run> {
  const { config, report, signal } = context;
  const { manifest } = run;
  const startedAt = context.now().toISOString();
  const facts = { run: run.id, validationLevel: level };
  report.event("info", "validation-started", `validating run ${run.id} (${level})`, facts);

  const server = level === "restore" ? await openScratchServer(context, manifest) : undefined;
  let databases: DatabaseResult[];
  let globalsReason: string | null;
  try {
    const pgRestore = level === "checksum" ? "" : await pgRestoreFor(context, run, server);
    if (server !== undefined) await requireRoom(context, server, manifest.databases);
    globalsReason = await checkGlobals(run, config, { reads: level !== "checksum", signal });
    databases = await mapParallel(largestFirst(manifest.databases), config.jobs, async (entry) => {
      const result = await proveDatabase(context, run, entry, { level, pgRestore, server });
      reportDatabase(context, run, level, result);
      return result;
    });
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
    databases: databases.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    globalsReason,
  };
  const updated = { ...manifest, validation: mergeValidation(manifest.validation, validation) };
  await writeManifest(run.folder, updated);
  if (!passed) {
    const reasons = validation.databases.flatMap(({ name, reason }) =>
      reason === null ? [] : [`  ${JSON.stringify(name)}: ${reason}`],
    );
    if (globalsReason !== null) reasons.push(`  globals: ${globalsReason}`);
    throw new Failure("verification", `run ${run.id} is not good:\n${reasons.join("\n")}`);
  }
  report.event("info", "validation-passed", `run ${run.id} passed (${level})`, facts);
  if (level === "restore") reportLimits(context, run.id, updated, databases);
  return { ...run, manifest: updated };
}

/** The one that takes longest must not be the one that is begun last. */
function largestFirst(databases: readonly DatabaseEntry[]): DatabaseEntry[] {
  return databases.toSorted((a, b) => sizeOfDump(b) - sizeOfDump(a));
}

function reportDatabase(context: Context, run: Run, level: Means["level"], result: DatabaseResult): void {
  const { name, reason, durationSeconds, notRestored, uncompared, indexes, checks } = result;
  const good = uncompared === null ? "is good" : "can be restored, but was not counted to be compared";
  const text =
    reason === null
      ? `${JSON.stringify(name)} ${good} (${level}, ${formatSeconds(durationSeconds)})`
      : `${JSON.stringify(name)} is not good: ${reason}`;
  const event = reason === null ? "database-validated" : "database-not-good";
  context.report.event(reason === null ? "info" : "error", event, text, {
    run: run.id,
    database: name,
    durationSeconds,
    ...(notRestored.length > 0 ? { notRestored } : {}),
    ...(indexes === null ? {} : { indexes: indexes.outcome, indexesChecked: indexes.checked }),
    ...(checks.length > 0 ? { checks: checks.map((check) => `${check.name}: ${check.outcome}`) } : {}),
  });
}

/** Says what a validation that passed did not show. */
function reportLimits(
  context: Context,
  run: string,
  manifest: Run["manifest"],
  databases: readonly DatabaseResult[],
): void {
  const { config, report } = context;
  const reasons = new Set(
    databases.flatMap(({ indexes }) => (indexes?.outcome === "not-checked" ? [indexes.reason ?? ""] : [])),
  );
  for (const reason of reasons) {
    report.event("info", "indexes-not-checked", `the structure of indexes was not checked: ${reason}`, {
      run,
    });
  }
  const names = databases.map(({ name }) => name);
  for (const { check, database } of checksWithoutDatabase(config.checks, names)) {
    const text = `check "${check}" was not run: the run does not hold database ${JSON.stringify(database)}`;
    report.event("warning", "check-not-run", text, { run, check, database });
  }
  if (isValidated(manifest)) return;
  const uncompared = databases.flatMap(({ name, uncompared: rows }) => (rows === null ? [] : [name]));
  const why =
    uncompared.length > 0
      ? `the rows of ${uncompared.map((name) => JSON.stringify(name)).join(", ")} were not counted when dumped`
      : "databases are missing from it";
  report.event("warning", "validation-not-proven", `run ${run} is restorable, but not proven: ${why}`, {
    run,
    uncompared,
  });
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
