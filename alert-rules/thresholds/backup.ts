import type { Figure } from "../limit.ts";

const hour = 3600;
const day = 24 * hour;

export const backupFigures = {
  databaseBackupAge: {
    value: 26 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning:
      "age of a database's newest dump that was proven by restoring it; the site's maximumDumpAgeHours",
    source: "B8 of the requirements: a daily backup is at most a day old; and two hours for the run itself",
  },
  unprovenDumps: {
    value: 0,
    unit: "seconds",
    forSeconds: hour,
    meaning: "how much younger a database's newest dump is than its newest proven one",
    source:
      "B6 of the requirements: all dumps are validated, by the run that makes them",
  },
  provenRuns: {
    value: 1,
    unit: "ratio",
    forSeconds: hour,
    meaning: "share of the kept runs that were proven by restoring them",
    source: "B6 of the requirements: all dumps are validated",
  },
  unreadableRuns: {
    value: 0,
    unit: "count",
    forSeconds: 900,
    meaning: "kept runs with a manifest that cannot be read",
    source: "B6 of the requirements: a run that cannot be read cannot be restored",
  },
  dumpShrinkage: {
    value: 0.5,
    unit: "ratio",
    forSeconds: 900,
    meaning: "size of a database's newest dump as a share of its largest one of a week",
    source: "nobody deletes half of a survey by intention without knowing of it",
  },
  dumpShrinkageFloor: {
    value: 1024 ** 2,
    unit: "bytes",
    forSeconds: 0,
    meaning: "size of a dump below which its changes mean nothing",
    source: "an empty database's dump is a few kilobytes",
  },
  offsiteAge: {
    value: 38 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "age of a database's newest dump off-site, while there is a newer one here",
    source:
      "B4 of the requirements: dumps are in the archive too; a day, and two runs of the archive's timer",
  },
  offsiteAgeCritical: {
    value: 62 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "age of a database's newest dump off-site, while there is a newer one here",
    source: "R1 of the requirements: at most a day may be lost with the site; the second day is missing",
  },
  backupDirectoryUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of the file system of dumps and physical backups",
    source: "B8 of the requirements",
  },
  backupDirectoryUsedCritical: {
    value: 0.85,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of the file system of dumps and physical backups",
    source: "B8 of the requirements",
  },
  backupDirectoryRoom: {
    value: 5 * 1024 ** 3,
    unit: "bytes",
    forSeconds: 900,
    meaning: "what stays free once the next dump is written, if it is as large as the newest",
    source: "dbkeeper's dump.minimumFreeBytes: it refuses a dump that leaves less",
  },
  archiveProblems: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "objects of the archive that are missing or differ from what was sent",
    source: "B4 of the requirements: what is damaged off-site is no backup",
  },
  archiveVerificationAge: {
    value: 35 * day,
    unit: "seconds",
    forSeconds: hour,
    meaning: "age of the last look at the archive that found nothing wrong",
    source: "R4 of the requirements: backups are tried monthly; and four days",
  },
  backupExitCode: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "exit code of the last run of a command that makes or keeps backups",
    source: "B6 of the requirements: all runs complete; B8: any failure alerts",
  },
  dumpRunAge: {
    value: 26 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since dumps were last tried; the site's maximumDumpAgeHours",
    source: "B8 of the requirements: daily",
  },
  archiveRunAge: {
    value: 20 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since copying to the archive was last tried",
    source: "its timer starts it every six hours, and it may take twelve",
  },
  physicalBackupRunAge: {
    value: 28 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since a physical backup was last tried",
    source: "B8 of the requirements: daily; and the four hours that it may take",
  },
  drillRunAge: {
    value: 8 * day,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since a restore drill was last tried",
    source: "its timer starts it every Saturday",
  },
  dumpRunDuration: {
    value: 45 * 60,
    unit: "seconds",
    forSeconds: 60,
    meaning: "time from the begin of the newest run's dumps to their end; the site's durationLimitMinutes",
    source: "B6 of the requirements: a full dump takes less than 45 min",
  },
  physicalBackupAge: {
    value: 28 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "age of the newest physical backup of any type",
    source:
      "B8 of the requirements: a daily backup is at most a day old; and the four hours that it may take",
  },
  physicalBackupAgeCritical: {
    value: 52 * hour,
    unit: "seconds",
    forSeconds: 300,
    meaning: "age of the newest physical backup of any type",
    source: "the second day: what recovery has to replay grows with it",
  },
  fullPhysicalBackupAge: {
    value: 8 * day,
    unit: "seconds",
    forSeconds: 300,
    meaning: "age of the newest full physical backup",
    source: "B8 of the requirements: a weekly backup is at most seven days old; it is due on the eighth",
  },
  restoreDrillAge: {
    value: 35 * day,
    unit: "seconds",
    forSeconds: hour,
    meaning: "time since a cluster was last restored for proof, with success",
    source: "R4 of the requirements: monthly; and four days",
  },
  restoreDrillDue: {
    value: 9 * day,
    unit: "seconds",
    forSeconds: hour,
    meaning: "age of the oldest physical backup of a cluster that was never restored for proof",
    source: "the drill of every Saturday has something to restore after a week; and two days",
  },
} as const satisfies Readonly<Record<string, Figure>>;
