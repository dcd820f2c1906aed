import type { Context } from "../context.ts";
import { isValidated, type Manifest, sizeOfDump } from "../runs/manifest.ts";
import { listRuns, requireDirectory, sizeOfRun } from "../runs/runs.ts";
import { type Family, unixTime } from "./family.ts";
import type { MetricsSource } from "./source.ts";

/** What the manifests in the backup folder tell. Where it cannot be read (its disk is gone) everything ages. */
export const backupMetrics: MetricsSource = {
  ageing: backupFamilies("", [], 0).map(({ name }) => name),
  async read({ config: { cluster, directory } }: Context) {
    await requireDirectory(directory);
    const { runs, unreadable } = await listRuns(directory, cluster.name);
    return backupFamilies(
      cluster.name,
      runs.map(({ manifest }) => manifest),
      unreadable.length,
    );
  },
};

/**
 * The metrics of a cluster's runs, oldest first. They come from the manifests, so the last good values stay when a
 * run fails.
 */
export function backupFamilies(
  cluster: string,
  manifests: readonly Manifest[],
  unreadableRuns: number,
): Family[] {
  const newest = manifests.at(-1);
  // A database that the newest run no longer names was dropped: its age must not raise an alert for ever.
  const databases =
    newest === undefined ? [] : [...newest.databases, ...newest.failed].map(({ name }) => name);
  const perDatabase = (value: (manifest: Manifest, database: string) => number | null | undefined) =>
    databases.toSorted().flatMap((database) => {
      const found = manifests
        .map((manifest) => value(manifest, database) ?? undefined)
        .findLast((candidate) => candidate !== undefined);
      return found === undefined ? [] : [{ labels: { cluster, database }, value: found }];
    });
  const once = (value: number | undefined) => (value === undefined ? [] : [{ labels: { cluster }, value }]);
  const entryOf = (manifest: Manifest, database: string) =>
    manifest.databases.find(({ name }) => name === database);
  const dumpedAt = (manifest: Manifest, database: string) =>
    entryOf(manifest, database) === undefined ? undefined : unixTime(manifest.finishedAt);
  const sentAt = (manifest: Manifest, database: string) =>
    manifest.offsite === null ? undefined : dumpedAt(manifest, database);

  return [
    {
      name: "dbkeeper_last_success_timestamp_seconds",
      help: "End of the newest complete dump of the database, Unix time.",
      samples: perDatabase(dumpedAt),
    },
    {
      name: "dbkeeper_last_validated_timestamp_seconds",
      help: "End of the newest dump of the database that was restored and found equal to its source, Unix time.",
      samples: perDatabase((manifest, database) =>
        isProven(manifest, database) ? unixTime(manifest.finishedAt) : undefined,
      ),
    },
    {
      name: "dbkeeper_last_offsite_timestamp_seconds",
      help: "End of the newest dump of the database that was copied off-site, Unix time.",
      samples: perDatabase(sentAt),
    },
    {
      name: "dbkeeper_offsite_lag_seconds",
      help: "How much older the newest dump of the database off-site is than the newest one here.",
      samples: databases.toSorted().flatMap((database) => {
        const newestOf = (at: typeof dumpedAt) =>
          Math.max(...manifests.map((manifest) => at(manifest, database) ?? Number.NEGATIVE_INFINITY));
        const value = newestOf(dumpedAt) - newestOf(sentAt);
        return Number.isFinite(value) ? [{ labels: { cluster, database }, value }] : [];
      }),
    },
    {
      name: "dbkeeper_dump_size_bytes",
      help: "Size of the newest dump of the database.",
      samples: perDatabase((manifest, database) => {
        const entry = entryOf(manifest, database);
        return entry && sizeOfDump(entry);
      }),
    },
    {
      name: "dbkeeper_dump_duration_seconds",
      help: "Time the newest dump of the database took.",
      samples: perDatabase((manifest, database) => entryOf(manifest, database)?.durationSeconds),
    },
    {
      name: "dbkeeper_validation_duration_seconds",
      help: "Time the newest validation of a dump of the database took, whatever its result.",
      samples: perDatabase(
        ({ validation }, database) =>
          validation?.databases.find(({ name }) => name === database)?.durationSeconds,
      ),
    },
    {
      name: "dbkeeper_database_size_bytes",
      help: "Size of the database on its server when it was last dumped.",
      samples: perDatabase((manifest, database) => entryOf(manifest, database)?.databaseBytes),
    },
    {
      name: "dbkeeper_sequence_used_ratio",
      help: "What the database's sequence nearest to its end had used of its values when it was last dumped, 0 to 1.",
      samples: perDatabase((manifest, database) => entryOf(manifest, database)?.sequencesUsedRatio),
    },
    {
      name: "dbkeeper_run_duration_seconds",
      help: "Time from the beginning of the newest run's dumps to their end.",
      samples: once(newest && (Date.parse(newest.finishedAt) - Date.parse(newest.startedAt)) / 1000),
    },
    {
      name: "dbkeeper_kept_size_bytes",
      help: "Size of all runs that are kept.",
      samples: once(manifests.reduce((sum, manifest) => sum + sizeOfRun(manifest), 0)),
    },
    {
      name: "dbkeeper_kept_runs",
      help: "Runs that are kept: proven by a restore, not proven, or with a manifest that cannot be read.",
      samples: Object.entries({
        proven: manifests.filter(isValidated).length,
        unproven: manifests.filter((manifest) => !isValidated(manifest)).length,
        unreadable: unreadableRuns,
      }).map(([state, value]) => ({ labels: { cluster, state }, value })),
    },
  ];
}

/** Whether the run's dump of a database was restored and found equal to its source, whatever became of the others. */
export function isProven({ databases, validation }: Manifest, database: string): boolean {
  if (validation?.level !== "restore") return false;
  if (!databases.some(({ name, content }) => name === database && content !== null)) return false;
  return validation.databases.some(({ name, outcome }) => name === database && outcome === "passed");
}
