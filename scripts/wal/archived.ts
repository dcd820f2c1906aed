import { Failure } from "../exit-codes.ts";
import { oneRow, type Session } from "../postgres/session.ts";

/**
 * Ends the current WAL segment and waits until the archive has it. Returns the seconds that took. Fails as
 * `verification` when it is not there in time: what is not archived cannot be recovered.
 */
export async function archiveCurrentSegment(
  session: Session,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = Date.now();
  const { segment } = await oneRow<{ segment: string }>(
    session,
    "select pg_walfile_name(pg_switch_wal()) as segment",
  );
  for (;;) {
    signal.throwIfAborted();
    const { archived, waits, failed } = await oneRow<{
      archived: string | null;
      waits: boolean;
      failed: string | null;
    }>(
      session,
      `select last_archived_wal as archived, last_failed_wal as failed,
              exists (select from pg_ls_archive_statusdir() where name = '${segment}.ready') as waits
         from pg_stat_archiver`,
    );
    // Other files (`.history`, `.backup`) are archived too; a segment's name comes first in theirs.
    const reached = archived !== null && archived.length >= 24 && archived.slice(0, 24) >= segment;
    if (reached && !waits) return (Date.now() - startedAt) / 1000;
    if (Date.now() - startedAt > waitSeconds * 1000) {
      const hint = failed === null ? "no failure is counted" : `the last failure is of ${failed}`;
      throw new Failure(
        "verification",
        `${segment} is not in the archive after ${waitSeconds} s (${hint}); \`dbkeeper wal status\` says more`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
