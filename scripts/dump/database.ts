import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { encryptedExtension } from "../encryption/encryption.ts";
import { listTables, lockTables, takeFingerprint } from "../postgres/fingerprint.ts";
import { fileNameOf } from "../postgres/quote.ts";
import { cancelOn, connect, oneRow, type Session } from "../postgres/session.ts";
import type { ClientTools } from "../postgres/tools.ts";
import type { DatabaseEntry, RunFile } from "../runs/manifest.ts";
import { writeDumpFolder } from "./directory.ts";
import { secondsSince, writeDumpFile } from "./file.ts";
import type { PlannedDump } from "./plan.ts";
import { sequenceUsedRatio } from "./sequences.ts";
import { checkArchiveHead, dumpStages } from "./stages.ts";

/** What a session reads of a database while pg_dump reads its rows. */
type Facts = Pick<DatabaseEntry, "extensions" | "content" | "rowEstimates">;

/**
 * Dumps one database into a folder and records what it held at that moment: pg_dump and our checksums read the
 * same exported snapshot, so that a restored copy can later be compared exactly, however the source moved on.
 */
export async function dumpDatabase(
  context: Context,
  tools: ClientTools,
  plan: PlannedDump,
  standby: boolean,
  folder: string,
): Promise<DatabaseEntry> {
  const { config } = context;
  const { database } = plan;
  const begun = performance.now();
  const sequencesUsedRatio = await sequenceUsedRatio(context, database.name);
  const session = await connect(config.cluster, database.name);
  let stopCancelling = () => {};
  try {
    stopCancelling = cancelOn(context.signal, session);
    const { snapshot, read } = config.dump.fingerprint
      ? await readExactly(session, config.lockWaitTimeoutSeconds)
      : { snapshot: null, read: () => readEstimates(session) };
    const source = { plan, snapshot, standby };
    const [files, facts] = await together(
      context.signal,
      session,
      (signal) => writeDump(context, tools, source, folder, signal),
      read,
    );
    return {
      name: database.name,
      format: plan.format,
      files,
      durationSeconds: secondsSince(begun),
      databaseBytes: database.bytes,
      sequencesUsedRatio,
      locale: database.locale,
      ...facts,
    };
  } finally {
    stopCancelling();
    await session.close();
  }
}

/** Files of a dump; nothing is left of them where it fails. */
async function writeDump(
  { config }: Context,
  tools: ClientTools,
  source: { plan: PlannedDump; snapshot: string | null; standby: boolean },
  folder: string,
  signal: AbortSignal,
): Promise<RunFile[]> {
  const { format, jobs, database } = source.plan;
  const extension = { custom: "dump", "custom+zstd": "dump.zst", directory: "dir" }[format];
  const encrypted = config.encryption === undefined ? "" : encryptedExtension;
  const name = fileNameOf(database.name, `${extension}${encrypted}`);
  const path = join(folder, name);
  try {
    if (format === "directory") {
      const stages = dumpStages(config, tools, source, path);
      return await writeDumpFolder(folder, name, stages, { signal, jobs });
    }
    const recipients = config.encryption?.recipients.length ?? 0;
    const check = (head: Buffer, sizeBytes: number) =>
      checkArchiveHead(head, sizeBytes, { format, recipients });
    // pg_dump itself, in a file of its own, comes back to note where each table's rows begin.
    const options = { signal, check, seeks: format === "custom" && recipients === 0 };
    return [await writeDumpFile(folder, name, dumpStages(config, tools, source), options)];
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

/** Opens a snapshot for pg_dump and counts and hashes every row in it. */
async function readExactly(session: Session, lockWaitTimeoutSeconds: number) {
  await session.execute("begin transaction isolation level repeatable read read only");
  const { id } = await oneRow<{ id: string }>(session, "select pg_export_snapshot() as id");
  await session.execute(`set local lock_timeout = '${lockWaitTimeoutSeconds}s'`);
  const tables = await listTables(session);
  await lockTables(session, tables);
  const read = async (signal: AbortSignal): Promise<Facts> => ({
    extensions: await readExtensions(session),
    content: await takeFingerprint(session, tables, signal),
    rowEstimates: null,
  });
  return { snapshot: id, read };
}

/** Asks only what the planner knows. */
async function readEstimates(session: Session): Promise<Facts> {
  const tables = await session.rows<{ schema: string; name: string; rows: number | null }>(
    `select n.nspname as schema, c.relname as name, case when c.reltuples >= 0 then c.reltuples::float8 end as rows
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      order by n.nspname collate "C", c.relname collate "C"`,
  );
  const rowEstimates = tables.map((table) => ({
    ...table,
    rows: table.rows === null ? null : Math.round(table.rows),
  }));
  return { extensions: await readExtensions(session), content: null, rowEstimates };
}

async function readExtensions(session: Session): Promise<DatabaseEntry["extensions"]> {
  return await session.rows<{ name: string; version: string }>(
    'select extname as name, extversion as version from pg_extension order by extname collate "C"',
  );
}

/** Runs both; when one fails the other is ended, and the first failure is what the caller sees. */
async function together(
  outer: AbortSignal,
  session: Session,
  write: (signal: AbortSignal) => Promise<RunFile[]>,
  read: (signal: AbortSignal) => Promise<Facts>,
): Promise<[RunFile[], Facts]> {
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
  const [written, facts] = await Promise.all([guard(write(signal)), guard(read(signal))]);
  stopCancelling();
  outer.throwIfAborted();
  if (written === undefined || facts === undefined) throw failures[0];
  return [written, facts];
}
