import type { Figure } from "../limit.ts";

export const backupHostFigures = {
  datastoreUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of a datastore of the backup server",
    source: "B8 of the requirements",
  },
  datastoreUsedCritical: {
    value: 0.85,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of a datastore of the backup server",
    source: "B8 of the requirements",
  },
  backupDiskWear: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 300,
    meaning: "share of its life that a disk of the backup server says to have used",
    source: "time to order another one: makers guarantee data up to 100 %",
  },
  backupDiskWearCritical: {
    value: 0.9,
    unit: "ratio",
    forSeconds: 300,
    meaning: "share of its life that a disk of the backup server says to have used",
    source: "time to replace it: makers guarantee data up to 100 %",
  },
  backupHostChecksAge: {
    value: 3600,
    unit: "seconds",
    forSeconds: 900,
    meaning: "time since the backup server's host last looked at itself",
    source: "its timer starts the look every quarter of an hour; three were missed",
  },
} as const satisfies Readonly<Record<string, Figure>>;
