import type { Figure } from "../limit.ts";

export const walFigures = {
  walDirectory: {
    value: 1.5,
    unit: "ratio",
    forSeconds: 900,
    meaning: "size of pg_wal, of max_wal_size and wal_keep_size together",
    source:
      "both together are what PostgreSQL keeps by itself; more is kept for a slot or an archive that fails",
  },
  walDirectoryCritical: {
    value: 3,
    unit: "ratio",
    forSeconds: 900,
    meaning: "size of pg_wal, of max_wal_size and wal_keep_size together",
    source: "twice the figure that warns: it grows without end",
  },
  walArchiveFailures: {
    value: 0,
    unit: "count",
    forSeconds: 0,
    meaning: "tries to archive a segment that failed in ten minutes",
    source: "B8 of the requirements: any failure",
  },
  walArchiveDelay: {
    value: 900,
    unit: "seconds",
    forSeconds: 60,
    meaning: "time that a full segment has waited for the archive",
    source: "B8 of the requirements",
  },
  walArchiver: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "whether the last check of the archive found it well",
    source: "B8 of the requirements: any failure; one more look for what passes",
  },
  walReady: {
    value: 64,
    unit: "count",
    forSeconds: 600,
    meaning: "segments that wait for the archive",
    source: "1 GiB, PostgreSQL's own max_wal_size: from there on the directory grows",
  },
  walSegmentsMissing: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "segments that recovery needs and the repository lacks for good",
    source: "R1 of the requirements: with one missing, recovery ends before it",
  },
  walSegmentsDelayed: {
    value: 0,
    unit: "count",
    forSeconds: 3600,
    meaning: "segments that recovery needs and the repository does not have yet",
    source: "four checks (B9: every quarter of an hour) saw it: it does not come by itself",
  },
  walCheckAge: {
    value: 2700,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since the archive was checked",
    source: "B9 of the requirements, every 15 min: two were left out",
  },
  walUnknown: {
    value: 1,
    unit: "count",
    forSeconds: 3600,
    meaning: "whether a cluster has ever told of its archive",
    source: "a new host needs the time of its first check",
  },
} as const satisfies Readonly<Record<string, Figure>>;
