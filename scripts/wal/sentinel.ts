import { Failure, messageOf } from "../exit-codes.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import { oneRow, readServerFacts, type Session } from "../postgres/session.ts";

/** A row that proves up to when a cluster was recovered. Times are microseconds since 1970, by the server's clock. */
export interface Sentinel {
  id: number;
  writtenAt: number;
  /** WAL position at which it was written. */
  lsn: string;
}

/**
 * Writes a sentinel row in a transaction of its own and returns the server's time after its commit. The table's lock
 * makes each row's commit come before the next row's `written_at`, which is what {@link judgeRecovery} rests on.
 */
export async function writeSentinel(session: Session): Promise<number> {
  await session.execute(
    `begin; lock table dbkeeper.sentinel in exclusive mode; insert into dbkeeper.sentinel default values; commit`,
  );
  return await serverTime(session);
}

/**
 * Leaves two rows, of which the second shows that the first was committed, for later drills to prove themselves by.
 * Does nothing on a standby.
 */
export async function leaveSentinels(session: Session, role: string): Promise<void> {
  if ((await readServerFacts(session)).inRecovery) return;
  await ensureSentinels(session, role);
  await writeSentinel(session);
  await writeSentinel(session);
}

/** The server's time in microseconds since 1970. */
export async function serverTime(session: Session): Promise<number> {
  const sql = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as micros";
  return Number((await oneRow<{ micros: string }>(session, sql)).micros);
}

/** Makes the table where it is missing. Fails as `preflight` where the role may not. */
export async function ensureSentinels(session: Session, role: string): Promise<void> {
  if (await hasSentinels(session)) return;
  try {
    // Asked first: "if not exists" needs the right to create also where it exists.
    const sql = "select to_regnamespace('dbkeeper') is null as missing";
    if ((await oneRow<{ missing: boolean }>(session, sql)).missing) {
      await session.execute("create schema dbkeeper");
    }
    await session.execute(
      `create table if not exists dbkeeper.sentinel (
         id bigint generated always as identity primary key,
         written_at timestamptz not null default clock_timestamp(),
         lsn pg_lsn not null default pg_current_wal_insert_lsn());
       comment on table dbkeeper.sentinel is 'Rows by which restore drills prove up to when a cluster was recovered'`,
    );
  } catch (error) {
    const name = quoteIdentifier(role);
    throw new Failure(
      "preflight",
      `cannot make the table dbkeeper.sentinel (${messageOf(error)}); CREATE SCHEMA dbkeeper AUTHORIZATION ${name}`,
    );
  }
}

async function hasSentinels(session: Session): Promise<boolean> {
  const sql = "select to_regclass('dbkeeper.sentinel') is not null as found";
  return (await oneRow<{ found: boolean }>(session, sql)).found;
}

/** All rows, oldest first; none where there is no table. */
export async function readSentinels(session: Session): Promise<Sentinel[]> {
  if (!(await hasSentinels(session))) return [];
  const rows = await session.rows<{ id: string; written: string; lsn: string }>(
    "select id::text, (extract(epoch from written_at) * 1000000)::bigint::text as written, lsn::text from dbkeeper.sentinel order by id",
  );
  return rows.map(({ id, written, lsn }) => ({ id: Number(id), writtenAt: Number(written), lsn }));
}

/** What a recovered cluster's rows say. */
export interface RecoveryProof {
  /** Rows that were committed by the target, and so had to be there. */
  due: number;
  /** Rows that had to be there and are not, are not the same, or were written after the target. */
  missing: number[];
  altered: number[];
  early: number[];
  /** `writtenAt` of the newest recovered row; `null` where there is none. */
  newestAt: number | null;
}

/**
 * Holds the rows of a recovered cluster against the source's, for a recovery to `target`. A row is due when the next
 * one was written by the target, because its commit came before that; a row written after the target must not be
 * there. At most the one row between the two may be either.
 */
export function judgeRecovery(
  source: readonly Sentinel[],
  recovered: readonly Sentinel[],
  target: number,
): RecoveryProof {
  const rows = source.toSorted((a, b) => a.id - b.id);
  const found = new Map(recovered.map((row) => [row.id, row]));
  const known = new Map(rows.map((row) => [row.id, row]));
  const due = rows.filter((_, index) => (rows[index + 1]?.writtenAt ?? Number.POSITIVE_INFINITY) <= target);
  return {
    due: due.length,
    missing: due.filter(({ id }) => !found.has(id)).map(({ id }) => id),
    altered: recovered
      .filter((row) => {
        const original = known.get(row.id);
        return original !== undefined && (original.writtenAt !== row.writtenAt || original.lsn !== row.lsn);
      })
      .map(({ id }) => id),
    early: recovered.filter(({ writtenAt }) => writtenAt > target).map(({ id }) => id),
    newestAt: recovered.reduce<number | null>(
      (newest, { writtenAt }) => (newest === null ? writtenAt : Math.max(newest, writtenAt)),
      null,
    ),
  };
}

/** Microseconds since 1970 as PostgreSQL reads a time. */
export function formatMicros(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros % 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")}.${fraction}+00`;
}
