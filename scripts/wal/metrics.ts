import { type Family, unixTime } from "../metrics/family.ts";
import { backupTypes } from "./backup.ts";
import type { Backup } from "./info.ts";
import type { WalStatus } from "./status.ts";

/** The metrics of archiving, physical backups and drills. What never happened has no sample. */
export function walFamilies(status: WalStatus, now: number): Family[] {
  const { cluster, archiver, backups, repositories, lastDrill, lastPassingDrills } = status;
  const family = (name: string, help: string, value: number | null | undefined): Family => ({
    name: `dbkeeper_wal_${name}`,
    help,
    samples: value === null || value === undefined ? [] : [{ labels: { cluster }, value }],
  });
  const { lastArchivedAgeSeconds } = archiver;
  const newestBackups = (value: (backup: Backup) => number) =>
    repositories.flatMap(({ repository }) =>
      backupTypes.flatMap((type) => {
        const newest = backups.findLast((one) => one.type === type && one.repository === repository);
        const labels = { cluster, repository: String(repository), type };
        return newest === undefined ? [] : [{ labels, value: value(newest) }];
      }),
    );
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
      help: "End of the newest physical backup of the type in the repository, Unix time.",
      samples: newestBackups(({ stoppedAt }) => stoppedAt),
    },
    {
      name: "dbkeeper_wal_last_backup_duration_seconds",
      help: "Time the newest physical backup of the type in the repository took.",
      samples: newestBackups((backup) => backup.stoppedAt - backup.startedAt),
    },
    {
      name: "dbkeeper_wal_last_backup_size_bytes",
      help: "What the newest physical backup of the type added to the repository.",
      samples: newestBackups((backup) => backup.repositoryBytes),
    },
    {
      name: "dbkeeper_wal_oldest_backup_timestamp_seconds",
      help: "End of the oldest physical backup in the repository, which is how far back recovery reaches, Unix time.",
      samples: repositories.flatMap(({ repository }) => {
        const oldest = backups.find((backup) => backup.repository === repository);
        return oldest === undefined
          ? []
          : [{ labels: { cluster, repository: String(repository) }, value: oldest.stoppedAt }];
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
    {
      name: "dbkeeper_wal_last_passing_drill_timestamp_seconds",
      help: "End of the last restore drill from the repository that passed, Unix time.",
      samples: lastPassingDrills.map(({ repository, finishedAt }) => ({
        labels: { cluster, repository: String(repository) },
        value: unixTime(finishedAt),
      })),
    },
    family("drill_rto_seconds", "Time the last drill took to recover and check.", lastDrill?.rtoSeconds),
    family(
      "drill_rpo_seconds",
      "Time between the newest row that the last drill recovered and its target.",
      lastDrill?.rpoSeconds,
    ),
    family(
      "drill_rto_objective_seconds",
      "How long the last drill might have taken.",
      lastDrill?.rtoObjectiveSeconds,
    ),
    family(
      "drill_rpo_objective_seconds",
      "How much older than its target the newest row of the last drill might have been.",
      lastDrill?.rpoObjectiveSeconds,
    ),
  ];
}
