import type { Figure } from "../limit.ts";

const day = 86_400;
const m13 = "M2 and M13 of the requirements";

export const capacityFigures = {
  diskUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 300,
    meaning: "of a file system, what is used or reserved",
    source: `${m13}: alert at 75 %`,
  },
  diskPlan: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 3600,
    meaning: "of a file system, what is used or reserved",
    source: `${m13}: plan at 80 %`,
  },
  diskUsedCritical: {
    value: 0.85,
    unit: "ratio",
    forSeconds: 300,
    meaning: "of a file system, what is used or reserved",
    source: `${m13}: act at 85 %`,
  },
  inodesUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 300,
    meaning: "of a file system's files, how many there are",
    source: `${m13}: as for the room`,
  },
  inodesUsedCritical: {
    value: 0.85,
    unit: "ratio",
    forSeconds: 300,
    meaning: "of a file system's files, how many there are",
    source: `${m13}: as for the room`,
  },
  diskFullSoon: {
    value: 12 * 3600,
    unit: "seconds",
    forSeconds: 1800,
    meaning: "time until a file system is full, if it goes on as in the last six hours and the last one",
    source: "M13 of the requirements; who is not woken finds it full in the morning",
  },
  diskForecastFloor: {
    value: 0.5,
    unit: "ratio",
    forSeconds: 1800,
    meaning: "of a file system, what must be used for a forecast to mean something",
    source: "a dump that is written to an empty disk looks like the end of it",
  },
  diskActForecast: {
    value: 30 * day,
    unit: "seconds",
    forSeconds: 3600,
    meaning: "time until a file system has to be acted on, if it goes on as in the last seven days",
    source: "M13 of the requirements; a month is what buying a disk takes",
  },
  sequenceUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 300,
    meaning: "of a sequence's values, or of those that its column may have, how many it has given away",
    source: `${m13}: alert at 75 %; a wider column means that its table is written anew`,
  },
  sequenceUsedCritical: {
    value: 0.95,
    unit: "ratio",
    forSeconds: 300,
    meaning: "of a sequence's values, or of those that its column may have, how many it has given away",
    source: "chosen: seen once a day, and one night's load can use the last twentieth of an integer",
  },
  databaseGrowth: {
    value: 1,
    unit: "ratio",
    forSeconds: 3600,
    meaning: "by how much a database grows in 30 days, if it goes on as in the last seven",
    source: "M13 of the requirements; one that doubles in a month is loaded with something new",
  },
  databaseGrowthFloor: {
    value: 1024 ** 3,
    unit: "bytes",
    forSeconds: 3600,
    meaning: "size of a database from which on its growth matters",
    source: "a new one doubles each day, and nobody has to buy anything",
  },
} as const satisfies Readonly<Record<string, Figure>>;
