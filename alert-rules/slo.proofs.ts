import type { Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

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
    warmUpMinutes: 70,
    always: { [`up{${server}}`]: 0 },
    good: { [up]: 1 },
    bad: { [up]: "absent" },
    clearMinutes: 358,
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
  {
    ...slow,
    severity: "warning",
    warmUpMinutes: 70,
    good: statements(60, 0.97),
    bad: statements(60, 0.8),
    delayMinutes: 11,
    clearMinutes: 142,
    elsewhere: statements(3, 0.8),
  },
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
