import { oneRow, type Session } from "../postgres/session.ts";

/** What the server says about its archiver; times are Unix seconds, `null` where it never happened. */
export interface ArchiverFacts {
  /** The server's clock. */
  now: number;
  archiveMode: string;
  inRecovery: boolean;
  /** Start of the archiver process, `null` where there is none. */
  startedAt: number | null;
  lastArchived: string | null;
  lastArchivedAt: number | null;
  lastFailed: string | null;
  lastFailedAt: number | null;
  archivedCount: number;
  failedCount: number;
  /** Segments that wait for the archive, oldest first, and since when the first one does. */
  ready: readonly string[];
  oldestReadyAt: number | null;
  /** Bytes in pg_wal. */
  walBytes: number;
  segmentBytes: number;
  /** Segment that is written now, `null` on a standby. */
  currentSegment: string | null;
}

/** Asks the server. Needs pg_monitor. */
export async function readArchiver(session: Session): Promise<ArchiverFacts> {
  const { facts } = await oneRow<{ facts: ArchiverFacts }>(
    session,
    `with ready as (
       select left(name, -6) as name, extract(epoch from modification)::float as since
         from pg_ls_archive_statusdir() where name like '%.ready')
     select json_build_object(
       'now', extract(epoch from clock_timestamp())::float,
       'archiveMode', current_setting('archive_mode'),
       'inRecovery', pg_is_in_recovery(),
       'startedAt', (select extract(epoch from backend_start)::float from pg_stat_activity where backend_type = 'archiver'),
       'lastArchived', a.last_archived_wal,
       'lastArchivedAt', extract(epoch from a.last_archived_time)::float,
       'lastFailed', a.last_failed_wal,
       'lastFailedAt', extract(epoch from a.last_failed_time)::float,
       'archivedCount', a.archived_count,
       'failedCount', a.failed_count,
       'ready', (select coalesce(json_agg(name order by name), '[]'::json) from ready),
       'oldestReadyAt', (select min(since) from ready),
       'walBytes', (select coalesce(sum(size), 0)::float from pg_ls_waldir()),
       'segmentBytes', (select setting::float * case unit when '16MB' then 16777216 when 'MB' then 1048576 when 'kB' then 1024 when '8kB' then 8192 else 1 end
                          from pg_settings where name = 'wal_segment_size'),
       'currentSegment', case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_lsn()) end
     ) as facts from pg_stat_archiver a`,
  );
  return facts;
}

/** How archiving goes. */
export interface ArchiverVerdict {
  state: "off" | "ok" | "failing" | "stuck" | "dead";
  /** For people; says what to do where the state is not good. */
  reason: string;
  /** Since when it has not been good, as far as the server knows; Unix seconds. */
  since: number | null;
}

/**
 * Judges by what waits, not by counted failures: a command that ends with more than 125, or by a signal, ends the
 * archiver itself, which counts nothing and starts again; one that hangs counts nothing either.
 */
export function judgeArchiver(facts: ArchiverFacts, delaySeconds: number): ArchiverVerdict {
  const { now, ready, oldestReadyAt, lastArchivedAt, lastFailedAt } = facts;
  const waitingSeconds = oldestReadyAt === null ? 0 : Math.max(0, now - oldestReadyAt);
  const count = `${ready.length} segment${ready.length === 1 ? "" : "s"}`;
  if (facts.archiveMode === "off") {
    return { state: "off", reason: "archive_mode is off: nothing is archived", since: null };
  }
  if (lastFailedAt !== null && lastFailedAt > (lastArchivedAt ?? 0) && ready.length > 0) {
    const reason = `archiving ${facts.lastFailed ?? "a segment"} fails, ${count} wait; the server's log says why`;
    return { state: "failing", reason, since: oldestReadyAt ?? lastFailedAt };
  }
  if (facts.startedAt === null && !(facts.inRecovery && facts.archiveMode === "on")) {
    const reason = `there is no archiver process, ${count} wait; it may end as often as it starts, see the server's log`;
    return { state: "dead", reason, since: oldestReadyAt };
  }
  if (waitingSeconds > delaySeconds) {
    const reason = `${count} wait since ${Math.round(waitingSeconds)} s although no failure is counted: archive_command hangs, or ends with more than 125, which ends the archiver; see the server's log`;
    return { state: "stuck", reason, since: oldestReadyAt };
  }
  return { state: "ok", reason: ready.length === 0 ? "nothing waits" : `${count} wait`, since: null };
}
