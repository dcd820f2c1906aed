import type { Context } from "../context.ts";
import { secondsSince } from "../dump/file.ts";
import { formatSeconds } from "../events.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { type Archive, archiveOf, readArchive } from "../postgres/archive-file.ts";
import { compareFingerprints, listTables, takeFingerprint } from "../postgres/fingerprint.ts";
import { databaseOption } from "../postgres/quote.ts";
import { newRestoreName } from "../postgres/scratch-name.ts";
import { cancelOn, clientEnvironment, connect, type Session } from "../postgres/session.ts";
import type { DatabaseEntry } from "../runs/manifest.ts";
import { type PipelineOptions, runPipeline, type Stage } from "../system/child.ts";
import { collectErrors } from "./errors.ts";
import type { Inspection } from "./inspect.ts";
import type { RestoreItem } from "./plan.ts";
import { databaseStatements } from "./script.ts";
import { swapIn } from "./swap.ts";
import { dropRestore, type Target } from "./target.ts";

/** How a database is restored. */
export interface Means {
  target: Target;
  inspection: Inspection;
  replace: boolean;
  /** Processes of pg_restore for one database, where its format allows that. */
  processes: number;
}

/**
 * Restores one database under a name of its own, compares it with what was dumped, and only then gives it its
 * name. Until that moment, in which everything changes at once, a database of that name is untouched; the new one
 * is dropped where anything fails.
 */
export async function restoreDatabase(context: Context, item: RestoreItem, means: Means): Promise<void> {
  const { report, signal } = context;
  const { target, inspection } = means;
  const { entry, name } = item;
  const begun = performance.now();
  const restored = newRestoreName();
  const statements = databaseStatements(inspection.scripts.get(entry.name) ?? [], restored);
  report.event("info", "restore-started", `restoring ${JSON.stringify(name)}`, { database: name });
  let kept: string | undefined;
  try {
    await withSession(target, (session) => session.execute(statements.create));
    const guard = await connect(target.connection, restored);
    try {
      await fill(context, entry, restored, means);
      await compare(guard, entry, signal);
    } finally {
      await guard.close();
    }
    signal.throwIfAborted();
    kept = await swapIn(target, {
      restored,
      name,
      properties: statements.properties,
      replace: means.replace,
      now: context.now(),
    });
  } catch (error) {
    await discard(context, target, restored);
    throw error;
  }
  const durationSeconds = secondsSince(begun);
  const compared = entry.content !== null;
  const proof = compared ? "equal to what was dumped" : "not compared: the dump was not counted";
  const text = `restored ${JSON.stringify(name)} in ${formatSeconds(durationSeconds)}, ${proof}`;
  report.event("info", "database-restored", text, {
    run: inspection.run.id,
    database: name,
    durationSeconds,
    compared,
  });
  if (kept === undefined) return;
  const names = `${JSON.stringify(name)} before is now ${JSON.stringify(kept)}`;
  const advice = `what was ${names}: \`dbkeeper restore undo\` puts it back, \`dbkeeper restore drop\` removes it`;
  report.event("info", "database-replaced", advice, { database: name, kept });
}

async function fill(context: Context, entry: DatabaseEntry, restored: string, means: Means): Promise<void> {
  const { target, inspection, processes } = means;
  const archive: Archive = {
    ...(await archiveOf(inspection.run, entry, inspection.pgRestore, context.config)),
    env: {
      ...clientEnvironment(target.connection),
      // The transaction that gives the database its name makes everything before it durable.
      PGOPTIONS: "-c synchronous_commit=off -c statement_timeout=0 -c lock_timeout=0",
    },
  };
  const errors = collectErrors();
  const args = ["--no-password", databaseOption(restored)];
  const options: PipelineOptions = { signal: context.signal, onError: errors.take };
  const run = (stages: readonly Stage[], more: PipelineOptions) => runPipeline(stages, more);
  const ended = await runRestore(archive, args, processes, run, options).then(
    () => undefined,
    (error: unknown) => error,
  );
  context.signal.throwIfAborted();
  const { count, first } = errors.result();
  if (count > 0) {
    const more = count > first.length ? [`and ${count - first.length} more`] : [];
    throw new Error(`pg_restore had ${count} errors: ${[...first, ...more].join("; ")}`);
  }
  if (ended !== undefined) throw ended;
}

/** pg_restore works in parallel only on what it can read in any order: a file or folder, not a pipe. */
async function runRestore(
  archive: Archive,
  args: readonly string[],
  processes: number,
  run: (stages: readonly Stage[], options: PipelineOptions) => Promise<void>,
  options: PipelineOptions,
): Promise<void> {
  const { decrypt = [], env, format, path, pgRestore } = archive;
  if (processes <= 1 || decrypt.length > 0 || format === "custom+zstd") {
    await readArchive(archive, args, run, options);
  } else {
    await run([{ file: pgRestore, args: [...args, `--jobs=${processes}`, path], env }], options);
  }
}

/** Also gathers statistics: without them the first queries after a restore are slow. */
async function compare(session: Session, entry: DatabaseEntry, signal: AbortSignal): Promise<void> {
  const stopCancelling = cancelOn(signal, session);
  try {
    await session.execute("analyze");
    if (entry.content === null) return;
    const found = await takeFingerprint(session, await listTables(session), signal);
    const differences = compareFingerprints(entry.content, found);
    if (differences.length === 0) return;
    const shown = differences.slice(0, 10).join("; ");
    const more = differences.length > 10 ? ` and ${differences.length - 10} more` : "";
    throw new Failure("verification", `the restored database differs from what was dumped: ${shown}${more}`);
  } finally {
    stopCancelling();
  }
}

/** The server may be starting again; a database that cannot be dropped is dropped by the next restore. */
async function discard(context: Context, target: Target, restored: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await withSession(target, (session) => dropRestore(session, restored));
      return;
    } catch (error) {
      if (kindOf(error) === "unreachable" && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      const text = `cannot drop ${restored} (${messageOf(error)}); the next restore does`;
      context.report.event("warning", "restore-left", text, { database: restored });
      return;
    }
  }
}

async function withSession(target: Target, use: (session: Session) => Promise<void>): Promise<void> {
  const session = await target.open();
  try {
    await use(session);
  } finally {
    await session.close();
  }
}
