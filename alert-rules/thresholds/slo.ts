import type { Figure } from "../limit.ts";

const burn = "how many times faster than allowed an objective's budget of 30 days is spent";
const workbook = "the usual pairs of windows for 30 days (Site Reliability Workbook, chapter 5)";

export const sloFigures = {
  availabilityObjective: {
    value: 0.995,
    unit: "ratio",
    forSeconds: 0,
    meaning: "of 30 days, the time in which a PostgreSQL server answers",
    source: "chosen: 3 h 36 min a month, a failover and a restore drill; the requirements name no figure",
  },
  latencyObjective: {
    value: 0.95,
    unit: "ratio",
    forSeconds: 0,
    meaning: "statements that take 100 ms at most, of all",
    source: "M3 of the requirements: 95th percentile of 100 ms",
  },
  backupRunsObjective: {
    value: 1,
    unit: "ratio",
    forSeconds: 900,
    meaning: "runs of dumps that ended well within a day, of all",
    source: "B6 of the requirements: 100 % of runs complete",
  },
  burnRate1h: {
    value: 14.4,
    unit: "count",
    forSeconds: 120,
    meaning: `${burn}, over 1 h and 5 min`,
    source: `2 % of the budget within an hour; ${workbook}`,
  },
  burnRate6h: {
    value: 6,
    unit: "count",
    forSeconds: 120,
    meaning: `${burn}, over 6 h and 30 min`,
    source: `5 % of the budget within six hours; ${workbook}`,
  },
  burnRate1d: {
    value: 3,
    unit: "count",
    forSeconds: 900,
    meaning: `${burn}, over 1 d and 2 h`,
    source: `10 % of the budget within a day; ${workbook}`,
  },
  burnRate3d: {
    value: 1,
    unit: "count",
    forSeconds: 900,
    meaning: `${burn}, over 3 d and 6 h`,
    source: `10 % of the budget within three days; ${workbook}`,
  },
} as const satisfies Readonly<Record<string, Figure>>;
