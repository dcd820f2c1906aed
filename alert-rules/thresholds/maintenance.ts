import type { Figure } from "../limit.ts";

const day = 86_400;

export const maintenanceFigures = {
  neglectedTables: {
    value: 0,
    unit: "count",
    forSeconds: 3600,
    meaning: "tables with a fifth of dead or changed rows that nobody has cared for in 25 hours",
    source: "B10 of the requirements: a daily vacuum; an hour for one that is at work",
  },
  deadRows: {
    value: 0.4,
    unit: "ratio",
    forSeconds: 3600,
    meaning: "dead rows of all rows of the worst table with 10,000 of them",
    source: "twice autovacuum_vacuum_scale_factor (0.2), at which autovacuum should have come",
  },
  autovacuumWorkers: {
    value: 1,
    unit: "ratio",
    forSeconds: 3600,
    meaning: "autovacuum workers that are busy, of all there may be",
    source: "an hour with all of them busy: what is due waits",
  },
  bloat: {
    value: 0.3,
    unit: "ratio",
    forSeconds: 3600,
    meaning: "bloat of a database, of its size",
    source: "M3 of the requirements names bloat; a fifth to a quarter is what updates always leave",
  },
  bloatFloor: {
    value: 1024 ** 3,
    unit: "bytes",
    forSeconds: 3600,
    meaning: "size of a database from which on its bloat matters",
    source: "below, all of it together is less than one segment file of a table",
  },
  invalidIndexes: {
    value: 0,
    unit: "count",
    forSeconds: 3600,
    meaning: "indexes that no query uses because they were never finished",
    source: "an hour after it broke, nobody is about to mend it",
  },
  maintenanceExitCode: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "exit code of the last maintenance",
    source: "B10 of the requirements",
  },
  maintenanceItems: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "tables and indexes that the last maintenance could not do",
    source: "B10 of the requirements: what is locked or left out comes the next day, what fails does not",
  },
  maintenanceAge: {
    value: 26 * 3600,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since the last maintenance",
    source: "B10 of the requirements, daily, with two hours for its window",
  },
  maintenanceUnknown: {
    value: 1,
    unit: "count",
    forSeconds: day + 3600,
    meaning: "whether a cluster was ever maintained",
    source: "a new host needs the time until its first maintenance, at 04:00 UTC",
  },
} as const satisfies Readonly<Record<string, Figure>>;
