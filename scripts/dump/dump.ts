import type { Context } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { connect, type ServerFacts, type Session } from "../postgres/session.ts";
import { type DatabaseEntry, type Manifest, sizeOfDump, writeManifest } from "../runs/manifest.ts";
import { type Run, sizeOfRun, startRun, type UnfinishedRun } from "../runs/runs.ts";
import { removeUnfinished } from "../runs/unfinished.ts";
import { mapParallel } from "../system/parallel.ts";
import { dumpDatabase } from "./database.ts";
import { dumpGlobals, dumpRolePasswords } from "./globals.ts";
import type { PlannedDump } from "./plan.ts";
import { type DumpPlan, prepareDump } from "./preflight.ts";
import { explainDumpFailure } from "./standby.ts";

/**
 * Dumps every chosen database and the globals into a new run. The run gets its final name when everything that
 * could be dumped is complete and durable; databases that failed are named in its manifest. Only under the
 * cluster's lock. Fails with nothing left behind where no database, or not the globals, could be dumped.
 */
export async function dump(context: Context): Promise<Run> {
  const { config } = context;
  await removeUnfinished(context);
  return await withPlan(context, async (session, plan) => {
    for (const { name, reason } of plan.failed) reportFailed(context, name, reason);
    const startedAt = context.now();
    const run = await startRun(config.directory, config.cluster.name, startedAt);
    try {
      return await writeRun(context, session, plan, run, startedAt);
    } catch (error) {
      await run.discard();
      throw error;
    }
  });
}

/** Tells what {@link dump} would do, and changes nothing. Fails where it would refuse. */
export async function planDump(context: Context): Promise<void> {
  await withPlan(context, async (_session, { dumps, failed, neededBytes }) => {
    const { config, report } = context;
    for (const { database, format, jobs } of dumps) {
      const { name, bytes } = database;
      const size = bytes === null ? "" : `, ${formatBytes(bytes)} on the server`;
      const text = `would dump ${JSON.stringify(name)} (${format}${jobs > 1 ? ` by ${jobs} processes` : ""}${size})`;
      report.event("info", "dump-planned", text, { database: name, format, jobs, databaseBytes: bytes });
    }
    for (const { name, reason } of failed) reportFailed(context, name, reason);
    const text = `would write a run of at most about ${formatBytes(neededBytes)} to ${config.directory}`;
    report.event("info", "run-planned", text, { folder: config.directory, neededBytes });
  });
}

async function withPlan<T>(
  context: Context,
  use: (session: Session, plan: DumpPlan) => Promise<T>,
): Promise<T> {
  const { cluster } = context.config;
  const session = await connect(cluster, cluster.maintenanceDatabase);
  try {
    const plan = await prepareDump(context, session);
    for (const { name, reason } of plan.skipped) {
      context.report.event("info", "database-skipped", `left out ${JSON.stringify(name)}: ${reason}`, {
        database: name,
        reason,
      });
    }
    return await use(session, plan);
  } finally {
    await session.close();
  }
}

async function writeRun(
  context: Context,
  session: Session,
  plan: DumpPlan,
  run: UnfinishedRun,
  startedAt: Date,
): Promise<Run> {
  const { config, report, signal } = context;
  const walPosition = await readWalPosition(session, plan.server);
  // None of them writes to the folder any more when the first failure is thrown: then it is removed.
  const [dumped, roles] = await Promise.allSettled([
    dumpDatabases(context, plan, run.folder),
    dumpRoles(context, session, plan, run.folder),
  ]);
  signal.throwIfAborted();
  if (dumped.status === "rejected") throw dumped.reason;
  const { databases, failed } = dumped.value;
  if (databases.length === 0) {
    throw new Failure((await answers(session)) ? "other" : "unreachable", "no database could be dumped");
  }
  if (roles.status === "rejected") throw roles.reason;
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const manifest: Manifest = {
    formatVersion: 2,
    cluster: config.cluster.name,
    systemIdentifier: plan.server.systemIdentifier,
    serverVersion: plan.server.version,
    clientVersion: plan.tools.version,
    standby: plan.server.inRecovery,
    walPosition,
    encryption:
      config.encryption === undefined ? null : { method: "age", recipients: config.encryption.recipients },
    startedAt: startedAt.toISOString(),
    finishedAt: context.now().toISOString(),
    databases: databases.toSorted(byName),
    ...roles.value,
    skipped: plan.skipped,
    failed: [...plan.failed, ...failed].toSorted(byName),
    validation: null,
    offsite: null,
  };
  await writeManifest(run.folder, manifest);
  signal.throwIfAborted();
  const folder = await run.publish();
  const sizeBytes = sizeOfRun(manifest);
  report.event("info", "run-written", `wrote run ${run.id}: ${formatBytes(sizeBytes)}`, {
    run: run.id,
    folder,
    sizeBytes,
  });
  return { id: run.id, folder, manifest };
}

/** One after the other what is dumped by several processes each, then the others, several at the same time. */
async function dumpDatabases(context: Context, plan: DumpPlan, folder: string) {
  const { config, report, signal } = context;
  const databases: DatabaseEntry[] = [];
  const failed: DumpPlan["failed"] = [];
  const standby = plan.server.inRecovery;
  const dumpOne = async (planned: PlannedDump) => {
    const { name } = planned.database;
    if (signal.aborted) return;
    report.event("info", "dump-started", `dumping ${JSON.stringify(name)}`, { database: name });
    try {
      const entry = await dumpDatabase(context, plan.tools, planned, standby, folder);
      databases.push(entry);
      reportDone(context, entry);
    } catch (error) {
      const reason = explainDumpFailure(messageOf(error), standby);
      failed.push({ name, reason });
      if (!signal.aborted) reportFailed(context, name, reason);
    }
  };
  await mapParallel(
    plan.dumps.filter(({ jobs }) => jobs > 1),
    1,
    dumpOne,
  );
  await mapParallel(
    plan.dumps.filter(({ jobs }) => jobs === 1),
    config.jobs,
    dumpOne,
  );
  return { databases, failed };
}

async function dumpRoles(context: Context, session: Session, { tools }: DumpPlan, folder: string) {
  return {
    globals: await dumpGlobals(context, tools, folder),
    rolePasswords: await dumpRolePasswords(context, session, tools, folder),
  };
}

async function readWalPosition(session: Session, { inRecovery }: ServerFacts): Promise<string | null> {
  const position = inRecovery ? "pg_last_wal_replay_lsn()" : "pg_current_wal_lsn()";
  const row = await session.rows<{ lsn: string | null }>(`select ${position}::text as lsn`).catch(() => []);
  return row[0]?.lsn ?? null;
}

async function answers(session: Session): Promise<boolean> {
  return await session.rows("select 1").then(
    () => true,
    () => false,
  );
}

function reportDone(context: Context, entry: DatabaseEntry): void {
  const { name, durationSeconds } = entry;
  const sizeBytes = sizeOfDump(entry);
  const text = `dumped ${JSON.stringify(name)}: ${formatBytes(sizeBytes)} in ${formatSeconds(durationSeconds)}`;
  context.report.event("info", "dump-finished", text, { database: name, sizeBytes, durationSeconds });
}

function reportFailed(context: Context, database: string, reason: string): void {
  context.report.event("error", "dump-failed", `cannot dump ${JSON.stringify(database)}: ${reason}`, {
    database,
    reason,
  });
}
