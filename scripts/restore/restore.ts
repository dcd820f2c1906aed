import type { Connection } from "../config.ts";
import type { Context } from "../context.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { placeOf } from "../postgres/connection.ts";
import { isValidated } from "../runs/manifest.ts";
import { mapParallel } from "../system/parallel.ts";
import { checkFile } from "../validate/files.ts";
import { restoreDatabase } from "./database.ts";
import { restoreGlobals } from "./globals.ts";
import { type Inspection, inspect } from "./inspect.ts";
import { formatPlan, type RestoreWish } from "./plan.ts";
import { openTarget, removeLeftovers, type Target } from "./target.ts";

/** A restore as the command line asks for it. */
export interface RestoreRequest extends RestoreWish {
  /** Name of the run; default the newest. */
  run?: string | undefined;
  connection: Connection;
}

/**
 * Tells what a restore will do, and fails as `preflight`, naming everything that speaks against it, where it will be
 * refused. Changes nothing.
 */
export async function announceRestore(context: Context, request: RestoreRequest): Promise<void> {
  const target = await openFor(request);
  try {
    const { plan, run } = await inspect(context, target, request, request.run);
    context.report.event(
      "info",
      "restore-planned",
      formatPlan(plan, run.manifest, placeOf(request.connection), context.now()).join("\n"),
      {
        run: run.id,
        dumpedAt: run.manifest.startedAt,
        proven: isValidated(run.manifest),
        databases: plan.items.map(({ name }) => name),
        globals: plan.globals,
        estimatedSeconds: plan.estimatedSeconds,
        neededBytes: plan.neededBytes,
        freeBytes: plan.freeBytes,
        notes: plan.notes,
        problems: plan.problems,
      },
    );
    refuse(plan.problems);
  } finally {
    await target.close();
  }
}

/**
 * Restores what is asked for. Only under the cluster's lock. Fails as `preflight` where {@link announceRestore} would,
 * as `verification` where the dump or what came of it is not good, and as `partial` where only a part is restored.
 */
export async function restore(context: Context, request: RestoreRequest): Promise<void> {
  const target = await openFor(request);
  try {
    // Again: until somebody has agreed, a lot may have changed.
    const inspection = await inspect(context, target, request, request.run);
    refuse(inspection.plan.problems);
    await checkFiles(context, inspection);
    await removeLeftovers(context, target);
    if (request.globals) await restoreGlobals(context, target, inspection.run, inspection.globals);
    await restoreDatabases(context, target, inspection, request);
  } finally {
    await target.close();
  }
}

async function openFor({ connection, databases, as }: RestoreRequest): Promise<Target> {
  const names = as !== undefined ? [as] : databases === "all" ? [connection.maintenanceDatabase] : databases;
  return await openTarget(connection, names);
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `\n  ${problem}`);
  throw new Failure("preflight", `nothing was restored:${lines.join("")}`);
}

/** Everything that will be read is what was written, before anything is touched. */
async function checkFiles({ signal }: Context, { run, plan }: Inspection): Promise<void> {
  const { globals, rolePasswords } = run.manifest;
  const files = plan.items.flatMap(({ entry }) => entry.files);
  if (plan.globals) files.push(globals, ...(rolePasswords === null ? [] : [rolePasswords]));
  for (const file of files) {
    await checkFile(run.folder, file, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new Failure("verification", `nothing was restored: ${messageOf(error)}`, { cause: error });
    });
  }
}

async function restoreDatabases(
  context: Context,
  target: Target,
  inspection: Inspection,
  { jobs, replace }: RestoreRequest,
): Promise<void> {
  const { items } = inspection.plan;
  const processes = Math.max(1, Math.floor(jobs / Math.max(1, items.length)));
  const failures: { name: string; error: unknown }[] = [];
  await mapParallel(items, jobs, async (item) => {
    try {
      await restoreDatabase(context, item, { target, inspection, replace, processes });
    } catch (error) {
      context.signal.throwIfAborted();
      failures.push({ name: item.name, error });
      const text = `cannot restore ${JSON.stringify(item.name)}: ${messageOf(error)}`;
      context.report.event("error", "restore-failed", text, {
        database: item.name,
        reason: messageOf(error),
      });
    }
  });
  const [first] = failures;
  if (first === undefined) return;
  const names = failures.map(({ name }) => JSON.stringify(name)).join(", ");
  if (failures.length < items.length) {
    throw new Failure("partial", `${names} could not be restored; the other databases are`);
  }
  // What was there is as it was, but a promise that nothing was tried would be wrong.
  const kind = kindOf(first.error) === "verification" ? "verification" : "other";
  throw new Failure(kind, `${names} could not be restored: ${messageOf(first.error)}`);
}
