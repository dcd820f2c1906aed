import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { type Archive, listArchive } from "../postgres/archive-file.ts";
import type { ListedDatabase } from "../postgres/databases.ts";
import { listTables, lockTables, takeFingerprint } from "../postgres/fingerprint.ts";
import { databaseOption, fileNameOf } from "../postgres/quote.ts";
import { cancelOn, clientEnvironment, connect, oneRow, type Session } from "../postgres/session.ts";
import { type ClientTools, dumpFormat } from "../postgres/tools.ts";
import type { DatabaseEntry, Fingerprint, RunFile } from "../runs/manifest.ts";
import type { Stage } from "../system/child.ts";
import { secondsSince, writeDumpFile } from "./file.ts";

/**
 * Dumps one database into a folder and records what it held at that moment: pg_dump and our checksums read the
 * same exported snapshot, so that a restored copy can later be compared exactly, however the source moved on.
 */
export async function dumpDatabase(
  context: Context,
  tools: ClientTools,
  database: ListedDatabase,
  folder: string,
): Promise<DatabaseEntry> {
  const { config } = context;
  const begun = performance.now();
  const session = await connect(config.cluster, database.name);
  const stopCancelling = cancelOn(context.signal, session);
  try {
    await session.execute("begin transaction isolation level repeatable read read only");
    const { id: snapshot } = await oneRow<{ id: string }>(session, "select pg_export_snapshot() as id");
    const { standby } = await oneRow<{ standby: boolean }>(session, "select pg_is_in_recovery() as standby");
    await session.execute(`set local lock_timeout = '${config.lockWaitTimeoutSeconds}s'`);
    const tables = await listTables(session);
    await lockTables(session, tables);

    const format = dumpFormat(tools.major);
    const name = fileNameOf(database.name, format === "custom" ? "dump" : "dump.zst");
    const archive: Archive = {
      path: join(folder, name),
      format,
      pgRestore: tools.pgRestore,
      env: clientEnvironment(config.cluster),
    };
    const stages = dumpStages(context, tools, { database: database.name, snapshot, standby });
    const [written, content] = await together(
      context.signal,
      session,
      async (signal) => {
        const file = await writeDumpFile(folder, name, stages, signal);
        // Nothing at all, compressed, is a file too.
        await listArchive(archive, signal);
        return file;
      },
      (signal) => takeFingerprint(session, tables, signal),
    ).catch(async (error: unknown) => {
      await rm(join(folder, name), { force: true });
      throw error;
    });
    const entry: DatabaseEntry = {
      name: database.name,
      format,
      files: [written],
      durationSeconds: secondsSince(begun),
      databaseBytes: database.bytes,
      locale: database.locale,
      extensions: await session.rows<{ name: string; version: string }>(
        'select extname as name, extversion as version from pg_extension order by extname collate "C"',
      ),
      content,
    };
    await session.execute("rollback");
    return entry;
  } finally {
    stopCancelling();
    await session.close();
  }
}

/** The programs that write a dump to standard output. */
function dumpStages(
  context: Pick<Context, "config">,
  tools: ClientTools,
  source: { database: string; snapshot: string; standby: boolean },
): Stage[] {
  const { cluster, compression, lockWaitTimeoutSeconds } = context.config;
  const env = clientEnvironment(cluster);
  const piped = dumpFormat(tools.major) === "custom+zstd";
  const dump: Stage = {
    file: tools.pgDump,
    args: [
      "--format=custom",
      piped ? "--compress=0" : `--compress=zstd:${compression.zstdLevel}`,
      "--no-password",
      `--snapshot=${source.snapshot}`,
      `--lock-wait-timeout=${lockWaitTimeoutSeconds * 1000}`,
      // Unlogged tables are empty on a standby and cannot be read there.
      ...(source.standby ? ["--no-unlogged-table-data"] : []),
      databaseOption(source.database),
    ],
    env,
  };
  if (!piped) return [dump];
  return [dump, { file: "zstd", args: ["-q", "-c", `-${compression.zstdLevel}`, "-T0"], env }];
}

/** Runs both; when one fails the other is ended, and the first failure is what the caller sees. */
async function together(
  outer: AbortSignal,
  session: Session,
  write: (signal: AbortSignal) => Promise<RunFile>,
  read: (signal: AbortSignal) => Promise<Fingerprint>,
): Promise<[RunFile, Fingerprint]> {
  const inner = new AbortController();
  const signal = AbortSignal.any([outer, inner.signal]);
  const stopCancelling = cancelOn(inner.signal, session);
  const failures: unknown[] = [];
  const guard = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      failures.push(error);
      inner.abort(error);
      return undefined;
    }
  };
  const [written, content] = await Promise.all([guard(write(signal)), guard(read(signal))]);
  stopCancelling();
  outer.throwIfAborted();
  if (written === undefined || content === undefined) throw failures[0];
  return [written, content];
}
