import type { Figure } from "../limit.ts";

const hour = 3600;
const day = 24 * hour;

export const proxmoxFigures = {
  guestBackupAge: {
    value: 26 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "age of a guest's newest backup; by the schedule of its policy",
    source: "B8 of the requirements: daily at most a day, weekly at most seven days; and the run itself",
  },
  guestBackupDuration: {
    value: hour,
    unit: "seconds",
    forSeconds: 60,
    meaning: "time that a guest's last backup took; the policy's durationLimitMinutes",
    source: "B6 of the requirements: proj-pg01 less than 60 min, proj-dp01 less than 30 min",
  },
  backupRunDuration: {
    value: 6 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since a node began with the run of backups that it works on",
    source: "a whole night: what has not ended by then hangs, or runs into the day's work",
  },
  guestBackupWarnings: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "warnings of a guest's last backup",
    source: "B6 of the requirements: all runs complete",
  },
  guestLock: {
    value: 4 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since a guest was first seen with the same lock",
    source: "a backup holds its guest locked for an hour at most (B6); a lock that stays stops the next one",
  },
  storageUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of a storage of the cluster",
    source: "M2 of the requirements: disk 75 %",
  },
  storageUsedCritical: {
    value: 0.85,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of a storage of the cluster",
    source: "M2 of the requirements: disk 85 %",
  },
  datastoreFullWithin: {
    value: 30 * day,
    unit: "seconds",
    forSeconds: hour,
    meaning: "time until a datastore is full by the backup server's own estimate",
    source: "M13 of the requirements: growth is forecast; a disk is bought and built in within a month",
  },
  verificationAge: {
    value: 37 * day,
    unit: "seconds",
    forSeconds: hour,
    meaning:
      "time since a backup of a guest was last verified well; the datastore's outdatedAfterDays and a week",
    source: "R4 of the requirements: backups are tried monthly; a week, since verification runs weekly",
  },
  unverifiedBackup: {
    value: 0,
    unit: "count",
    forSeconds: 12 * hour,
    meaning: "whether a guest's newest backup was not verified",
    source: "datastores verify what is new at once; twelve hours for a long queue",
  },
  serverJobAge: {
    value: 36 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since a job of the backup server last ended; by its schedule, and twelve hours",
    source: "what is not pruned fills the disk, what is not verified may be broken",
  },
} as const satisfies Readonly<Record<string, Figure>>;
