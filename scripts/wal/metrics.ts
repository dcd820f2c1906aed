import { type Family, unixTime } from "../metrics/family.ts";
import type { WalStatus } from "./status.ts";

/** The metrics of archiving, physical backups and drills. What never happened has no sample. */
export function walFamilies(status: WalStatus, now: number): Family[] {
  const { cluster, archiver, backups, repositories, lastDrill, lastPassingDrill } = status;
  const family = (name: string, help: string, value: number | null | undefined): Family => ({
    name: `dbkeeper_wal_${name}`,
    help,
    samples: value === null || value === undefined ? [] : [{ labels: { cluster }, value }],
  });
  const { lastArchivedAgeSeconds } = archiver;
  return [
    family(
      "last_archived_timestamp_seconds",
      "When the last WAL segment was archived, Unix time.",
      lastArchivedAgeSeconds === null ? null : Math.floor(now - lastArchivedAgeSeconds),
    ),
    family(
      "archive_lag_seconds",
      "How long the oldest segment has waited for the archive.",
      archiver.oldestReadySeconds ?? 0,
    ),
    family("ready_segments", "Segments that wait for the archive.", archiver.readySegments),
    family("directory_bytes", "Size of pg_wal.", archiver.walBytes),
    family(
      "archiver_good",
      "Whether archiving goes well (1), also where the server counts no failure.",
      archiver.state === "ok" ? 1 : 0,
    ),
    {
      ...family(
        "archive_failures_total",
        "Failures that the server has counted; commands that end its archiver are not among them.",
        archiver.failedCount,
      ),
      type: "counter",
    },
    {
      name: "dbkeeper_wal_missing_segments",
      help: "Segments that retained backups or recovery after them need and the repository lacks, by WAL-G's classes.",
      samples: repositories.flatMap(({ repository, gaps }) =>
        (["MISSING_DELAYED", "MISSING_UPLOADING", "MISSING_LOST"] as const).map((name) => ({
          labels: { cluster, repository: String(repository), class: name },
          value: gaps.filter((gap) => gap.class === name).reduce((sum, { segments }) => sum + segments, 0),
        })),
      ),
    },
    {
      name: "dbkeeper_wal_last_backup_timestamp_seconds",
      help: "End of the newest physical backup of the type, Unix time.",
      samples: (["full", "diff", "incr"] as const).flatMap((type) => {
        const newest = backups.findLast((backup) => backup.type === type);
        return newest === undefined ? [] : [{ labels: { cluster, type }, value: newest.stoppedAt }];
      }),
    },
    {
      name: "dbkeeper_wal_repository_size_bytes",
      help: "Size of backups and WAL in the repository.",
      samples: repositories.map(({ repository, bytes }) => ({
        labels: { cluster, repository: String(repository) },
        value: bytes,
      })),
    },
    {
      name: "dbkeeper_wal_last_drill_timestamp_seconds",
      help: "End of the last restore drill, Unix time, by its verdict.",
      samples:
        lastDrill === null
          ? []
          : [{ labels: { cluster, verdict: lastDrill.verdict }, value: unixTime(lastDrill.finishedAt) }],
    },
    family(
      "last_passing_drill_timestamp_seconds",
      "End of the last restore drill that passed, Unix time.",
      lastPassingDrill && unixTime(lastPassingDrill.finishedAt),
    ),
    family("drill_rto_seconds", "Time the last drill took to recover and check.", lastDrill?.rtoSeconds),
    family(
      "drill_rpo_seconds",
      "Time between the newest row that the last drill recovered and its target.",
      lastDrill?.rpoSeconds,
    ),
  ];
}
