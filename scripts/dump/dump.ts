import type { Context } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import {
  type ListedDatabase,
  listDatabases,
  type Selection,
  selectDatabases,
} from "../postgres/databases.ts";
import { databaseOption } from "../postgres/quote.ts";
import {
  clientEnvironment,
  connect,
  readServerFacts,
  type ServerFacts,
  type Session,
} from "../postgres/session.ts";
import { type ClientTools, findClientTools } from "../postgres/tools.ts";
import { type DatabaseEntry, type Manifest, sizeOfDump, writeManifest } from "../runs/manifest.ts";
import {
  listRuns,
  type Run,
  removeUnfinished,
  sizeOfRun,
  startRun,
  type UnfinishedRun,
} from "../runs/runs.ts";
import { mapParallel } from "../system/parallel.ts";
import { estimateDumpBytes, freeBytes } from "../system/space.ts";
import { dumpDatabase } from "./database.ts";
import { writeDumpFile } from "./file.ts";

/** Name of the globals in a run. */
const globalsFile = "globals.sql";

/** The line that pg_dumpall writes last: without it the file is cut short. */
export const globalsEnding = "-- PostgreSQL database cluster dump complete";

interface Plan extends Selection {
  server: ServerFacts;
  walPosition: string | null;
  tools: ClientTools;
}

/**
 * Dumps every chosen database and the globals into a new run. The run gets its final name when everything that
 * could be dumped is complete and durable; databases that failed are named in its manifest. Only under the
 * cluster's lock. Fails with nothing left behind where no database, or not the globals, could be dumped.
 */
export async function dump(context: Context): Promise<Run> {
  const { config, report } = context;
  for (const name of await removeUnfinished(config.directory, config.cluster.name)) {
    report.event("warning", "partial-removed", `removed the unfinished run ${name}`);
  }
  const session = await connect(config.cluster, config.cluster.maintenanceDatabase);
  try {
    const plan = await prepare(context, session);
    const startedAt = context.now();
    const run = await startRun(config.directory, config.cluster.name, startedAt);
    try {
      return await writeRun(context, session, plan, run, startedAt);
    } catch (error) {
      await run.discard();
      throw error;
    }
  } finally {
    await session.close();
  }
}

/** Everything that may refuse before anything is changed. */
async function prepare(context: Context, session: Session): Promise<Plan> {
  const { config, report, signal } = context;
  const server = await readServerFacts(session);
  const tools = await findClientTools(config, server.major, signal);
  const selection = selectDatabases(await listDatabases(session), config.databases);
  for (const { name, reason } of selection.skipped) {
    report.event("info", "database-skipped", `left out ${JSON.stringify(name)}: ${reason}`, {
      database: name,
      reason,
    });
  }
  for (const { name, reason } of selection.failed) reportFailed(context, name, reason);
  if (selection.chosen.length === 0) throw new Failure("preflight", "there is no database to dump");
  await requireSpace(context, selection.chosen);
  return { server, walPosition: await readWalPosition(session, server), tools, ...selection };
}

async function readWalPosition(session: Session, { inRecovery }: ServerFacts): Promise<string | null> {
  const position = inRecovery ? "pg_last_wal_replay_lsn()" : "pg_current_wal_lsn()";
  const row = await session.rows<{ lsn: string | null }>(`select ${position}::text as lsn`).catch(() => []);
  return row[0]?.lsn ?? null;
}

async function writeRun(
  context: Context,
  session: Session,
  plan: Plan,
  run: UnfinishedRun,
  startedAt: Date,
): Promise<Run> {
  const { config, report, signal } = context;
  const databases: DatabaseEntry[] = [];
  const failed = [...plan.failed];
  await mapParallel(plan.chosen, config.jobs, async (database) => {
    const { name } = database;
    if (signal.aborted) return;
    report.event("info", "dump-started", `dumping ${JSON.stringify(name)}`, { database: name });
    try {
      const entry = await dumpDatabase(context, plan.tools, database, run.folder);
      databases.push(entry);
      reportDone(context, entry);
    } catch (error) {
      failed.push({ name, reason: messageOf(error) });
      reportFailed(context, name, messageOf(error));
    }
  });
  signal.throwIfAborted();
  if (databases.length === 0) {
    throw new Failure((await answers(session)) ? "other" : "unreachable", "no database could be dumped");
  }
  const globals = await dumpGlobals(context, plan.tools, run.folder);
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const manifest: Manifest = {
    formatVersion: 2,
    cluster: config.cluster.name,
    systemIdentifier: plan.server.systemIdentifier,
    serverVersion: plan.server.version,
    clientVersion: plan.tools.version,
    standby: plan.server.inRecovery,
    walPosition: plan.walPosition,
    encryption: null,
    startedAt: startedAt.toISOString(),
    finishedAt: context.now().toISOString(),
    databases: databases.toSorted(byName),
    globals,
    rolePasswords: null,
    skipped: plan.skipped,
    failed: failed.toSorted(byName),
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

async function dumpGlobals(context: Context, tools: ClientTools, folder: string) {
  const { cluster } = context.config;
  const args = [
    "--globals-only",
    // Password hashes can be read by superusers only, and would be secrets in a plain file.
    "--no-role-passwords",
    "--no-password",
    databaseOption(cluster.maintenanceDatabase),
  ];
  const stage = { file: tools.pgDumpall, args, env: clientEnvironment(cluster) };
  return await writeDumpFile(folder, globalsFile, [stage], context.signal, globalsEnding);
}

async function requireSpace(context: Context, chosen: readonly ListedDatabase[]): Promise<void> {
  const { config } = context;
  const { runs } = await listRuns(config.directory, config.cluster.name);
  const lastDumps = new Map(
    runs.flatMap((run) => run.manifest.databases.map((database) => [database.name, sizeOfDump(database)])),
  );
  const needed = estimateDumpBytes(
    chosen.map(({ name, bytes }) => ({ databaseBytes: bytes, lastDumpBytes: lastDumps.get(name) ?? null })),
  );
  const free = await freeBytes(config.directory);
  if (free >= needed + config.minimumFreeBytes) return;
  throw new Failure(
    "preflight",
    `${config.directory} has ${formatBytes(free)} free, but the dump may need ${formatBytes(needed)} and ${formatBytes(config.minimumFreeBytes)} must stay free (minimumFreeBytes); make room or lower keepDays`,
  );
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
