import type { Proof, Proofs } from "./testing/proof.ts";
import type { Course, Courses, Series, Values } from "./testing/series.ts";

const server = 'job="postgres",instance="proj-pg01",cluster="pg01"';
const host = 'job="node",instance="proj-pg01",cluster="pg01"';
const where = { instance: "proj-pg01", cluster: "pg01" };
const up = `pg_up{${server}}`;
const runs = (outcome: string) => `dbkeeper_runs_total{${host},command="run",outcome="${outcome}"}`;

const away = {
  alert: "PostgresAvailabilityBudgetBurn",
  labels: { job: "postgres", ...where },
  says: "PostgreSQL on proj-pg01 does not answer so often or for so long that what it may be away in 30 days is spent several times too fast. See its restarts, and those of its host.",
} as const;

/** So many statements a minute, of which this part takes no longer than 100 ms. */
function statements(perMinute: number, within: number): Series {
  const of = (suffix: string) => `dbkeeper_observed_statement_duration_seconds_${suffix}`;
  return {
    [`${of("count")}{${host},database="desi"}`]: { perMinute },
    [`${of("bucket")}{${host},database="desi",le="0.1"}`]: { perMinute: perMinute * within },
  };
}

const slow = {
  alert: "PostgresLatencyBudgetBurn",
  labels: { ...where, database: "desi" },
  says: "So many statements in desi on proj-pg01 take longer than 100 ms that what may be slow in 30 days is spent several times too fast. See which statements they are.",
} as const;

/** For so many minutes, how many times too fast a budget is spent; or nothing is known. */
type Burn = readonly [minutes: number, rate: number | "absent"];

/** What one pair of windows sees. */
interface Pair
  extends Pick<Proof, "severity" | "stepMinutes" | "warmUpMinutes" | "delayMinutes" | "clearMinutes"> {
  /** Too fast in both windows, not ten times so. */
  readonly bad: readonly Burn[];
  /** Too fast in one window, slower but not ten times in the other: first the short one, then the long one. */
  readonly elsewhere: readonly (readonly Burn[])[];
}

/** No other pair of theirs fires meanwhile: so it is this one that is proven. */
const pairs: readonly Pair[] = [
  {
    severity: "critical",
    stepMinutes: 5,
    warmUpMinutes: 1080,
    delayMinutes: 50,
    bad: [[0, 16]],
    elsewhere: [
      [
        [1080, 0],
        [15, 16],
        [0, 0],
      ],
      [
        [1080, 0],
        [45, 20],
        [15, 5],
        [0, 0],
      ],
    ],
  },
  {
    severity: "critical",
    stepMinutes: 10,
    warmUpMinutes: 2300,
    delayMinutes: 210,
    clearMinutes: 10,
    bad: [[0, 10]],
    elsewhere: [
      [
        [2300, 0],
        [40, 14],
        [0, 0],
      ],
      [
        [2330, 0],
        [120, 14],
        [0, 5.9],
      ],
    ],
  },
  // Only where nothing was known for most of the day, this pair sees what the next one does not see before.
  {
    severity: "warning",
    stepMinutes: 30,
    warmUpMinutes: 2940,
    delayMinutes: 1230,
    clearMinutes: 30,
    bad: [
      [960, "absent"],
      [0, 5],
    ],
    elsewhere: [
      [
        [2940, 0],
        [180, 5],
        [0, 0],
      ],
      [
        [2940, 0],
        [960, "absent"],
        [210, 5.9],
        [0, 2],
      ],
    ],
  },
  {
    severity: "warning",
    stepMinutes: 60,
    warmUpMinutes: 4380,
    delayMinutes: 2040,
    clearMinutes: 180,
    bad: [[0, 2.1]],
    elsewhere: [
      [
        [4500, 0],
        [720, 2.5],
        [0, 0],
      ],
      [
        [4500, 0],
        [1200, 2.9],
        [0, 0.9],
      ],
    ],
  },
];

/** A part of a minute in which a server does not answer is the same part of its sample. */
const answering = (burns: readonly Burn[]): Courses => ({ [up]: spent(burns, (rate) => 1 - rate * 0.005) });

/** What is recorded of statements, which counters cannot show at steps that are longer than their windows. */
const recorded = (metric: string) => `${metric}{instance="proj-pg01",cluster="pg01",database="archive"}`;
const few = { [recorded("database:postgres_statements:rate")]: 0.5 };
const slowOnes = recorded("database:postgres_statements_slow:rate");
const slowly = (burns: readonly Burn[]): Courses => ({
  ...few,
  [slowOnes]: spent(burns, (rate) => rate * 0.05 * 0.5),
});

function spent(burns: readonly Burn[], valueAt: (rate: number) => number): Course {
  const inTurn = burns.map(([minutes, rate]): [number, Values] => [
    minutes,
    rate === "absent" ? rate : Number(valueAt(rate).toFixed(6)),
  ]);
  return { inTurn };
}

const pairProofs = pairs.flatMap(
  ({ bad, elsewhere, ...timing }): Proofs => [
    { ...away, ...timing, good: { [up]: 1 }, bad: answering(bad), elsewhere: elsewhere.map(answering) },
    {
      ...slow,
      labels: { ...slow.labels, database: "archive" },
      says: slow.says.replace("desi", "archive"),
      ...timing,
      always: few,
      good: { [slowOnes]: 0 },
      bad: { [slowOnes]: slowly(bad)[slowOnes] ?? 0 },
      elsewhere: elsewhere.map(slowly),
      idle: { [slowOnes]: "absent", [recorded("database:postgres_statements:rate")]: "absent" },
    },
  ],
);

export const sloProofs: Proofs = [
  {
    ...away,
    severity: "critical",
    warmUpMinutes: 70,
    delayMinutes: 2,
    clearMinutes: 29,
    good: { [up]: 1 },
    bad: { [up]: 0 },
  },
  // An exporter that is away as well tells nothing: that is no answer either.
  {
    ...away,
    severity: "warning",
    stepMinutes: 5,
    warmUpMinutes: 70,
    always: { [`up{${server}}`]: 0 },
    good: { [up]: 1 },
    bad: { [up]: "absent" },
    clearMinutes: 355,
    also: ["PostgresAvailabilityBudgetBurn critical"],
    idle: { [`up{${server}}`]: 1 },
  },
  {
    ...slow,
    severity: "critical",
    warmUpMinutes: 70,
    good: statements(60, 0.97),
    bad: statements(60, 0.01),
    delayMinutes: 29,
    clearMinutes: 17,
    also: ["PostgresLatencyBudgetBurn warning"],
    elsewhere: statements(3, 0.01),
  },
  ...pairProofs,
  {
    alert: "BackupRunsBelowObjective",
    severity: "warning",
    stepMinutes: 5,
    warmUpMinutes: 1500,
    good: { [runs("ok")]: { perMinute: 0.01 }, [runs("failed")]: "absent" },
    bad: { [runs("failed")]: { perMinute: 0.001 } },
    labels: where,
    says: "Of the last day's runs of dumps on proj-pg01 not all ended well. A later one may have succeeded: then nothing is lost, but find out why.",
    shows: "99.86%",
    delayMinutes: 5,
  },
];
