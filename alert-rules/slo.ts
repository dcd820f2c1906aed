import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { type Alert, alert, type Recording, type RuleGroup, record } from "./rule.ts";

/**
 * Objectives, and how fast their budgets are spent. A page comes when a long window says that it matters and a short
 * one that it still goes on.
 */
export function slo(lab: Lab): RuleGroup {
  return {
    name: "slo",
    intervalSeconds: lab.every(60),
    rules: [
      live,
      slowRate(lab),
      ...windows.flatMap(([name, seconds]) => ratios(lab, name, seconds)),
      ...burns(lab, availabilityObjective),
      ...burns(lab, latencyObjective),
      ...backupRuns(lab),
    ],
  };
}

/** The windows of days by themselves: they move little in minutes, and there is much to read in them. */
export function sloDays(lab: Lab): RuleGroup {
  const rules = dayWindows.flatMap(([name, seconds]) => ratios(lab, name, seconds));
  // Within the five minutes after which a series counts as gone.
  return { name: "slo-days", intervalSeconds: lab.every(240), rules };
}

/** Of each severity, pairs of a long and a short window; their names are those at a site's normal pace. */
const pairs = {
  critical: [
    { long: "1h", short: "5m", figure: "burnRate1h" },
    { long: "6h", short: "30m", figure: "burnRate6h" },
  ],
  warning: [
    { long: "1d", short: "2h", figure: "burnRate1d" },
    { long: "3d", short: "6h", figure: "burnRate3d" },
  ],
} as const;

const windows = [
  ["5m", 300],
  ["30m", 1800],
  ["1h", 3600],
  ["2h", 7200],
  ["6h", 21_600],
] as const;
const dayWindows = [
  ["1d", 86_400],
  ["3d", 259_200],
] as const;

/** A server that does not answer its exporter is down, and so is one whose exporter does not answer. */
const live = record({
  name: "instance:postgres_live:bool",
  expression: 'pg_up{job="postgres"} or up{job="postgres"} * 0',
});

/** The bound of the histogram that the objective speaks of: an objective of other than 100 ms needs another one. */
const bound = "0.1";
const rate = "database:postgres_statements:rate";
const slow = "database:postgres_statements_slow:rate";

const slowRate = (lab: Lab) =>
  record({
    name: slow,
    expression: `${rate} - sum by (instance, cluster, database) (rate(dbkeeper_observed_statement_duration_seconds_bucket{job="node",le="${bound}"}[${observedWindow(lab, 300)}]))`,
  });

/** Of a window, the part in which a server was down, and that of statements that were slow. */
function ratios(lab: Lab, name: string, seconds: number): Recording[] {
  // The values are rates of five minutes themselves: looks so far apart leave nothing out.
  const window = seconds < 86_400 ? lab.window(seconds) : lab.looks(seconds, 300);
  return [
    record({
      name: `instance:postgres_live:error_ratio_${name}`,
      expression: `1 - avg_over_time(instance:postgres_live:bool[${lab.window(seconds)}])`,
    }),
    record({
      name: `database:postgres_statements_slow:error_ratio_${name}`,
      expression: `avg_over_time(${slow}[${window}]) / (avg_over_time(${rate}[${window}]) > ${lab.limit("statementFloor").value})`,
    }),
  ];
}

interface Objective {
  readonly name: string;
  readonly figure: "availabilityObjective" | "latencyObjective";
  readonly ratio: string;
  readonly area: Alert["area"];
  readonly summary: string;
  readonly description: string;
}

const availabilityObjective: Objective = {
  name: "PostgresAvailabilityBudgetBurn",
  figure: "availabilityObjective",
  ratio: "instance:postgres_live:error_ratio",
  area: "availability",
  summary: "A server spends its allowed downtime too fast.",
  description:
    "PostgreSQL on {{ $labels.instance }} does not answer so often or for so long that what it may be away in 30 days is spent several times too fast. See its restarts, and those of its host.",
};

const latencyObjective: Objective = {
  name: "PostgresLatencyBudgetBurn",
  figure: "latencyObjective",
  ratio: "database:postgres_statements_slow:error_ratio",
  area: "performance",
  summary: "Slow statements spend their budget too fast.",
  description:
    "So many statements in {{ $labels.database }} on {{ $labels.instance }} take longer than 100 ms that what may be slow in 30 days is spent several times too fast. See which statements they are.",
};

function burns(lab: Lab, { name, figure, ratio, ...text }: Objective): Alert[] {
  // What is left of 1 has digits that nobody means.
  const budget = Number((1 - lab.limit(figure).value).toPrecision(6));
  return (["warning", "critical"] as const).map((severity) => {
    const [soon, late] = pairs[severity];
    const burn = ({ long, short, figure: rate }: typeof soon | typeof late) =>
      `${ratio}_${long} / ${budget} > ${lab.limit(rate).value} and ${ratio}_${short} / ${budget} > ${lab.limit(rate).value}`;
    return alert({
      name,
      expression: `(${burn(soon)})\nor (${burn(late)})`,
      forSeconds: lab.limit(soon.figure).forSeconds,
      severity,
      ...text,
    });
  });
}

/**
 * Of runs of dumps nothing may fail, so there is no budget to be spent: one in a day is one too many. Prometheus sees
 * the counter of failures only with the first one; so the counters are compared with those of before, not by increase().
 */
function backupRuns(lab: Lab): (Recording | Alert)[] {
  const limit = lab.limit("backupRunsObjective");
  const ratio = "instance:backup_runs:success_ratio";
  return [
    successRatio(`${ratio}_1d`, lab.window(86_400)),
    successRatio(`${ratio}_30d`, lab.window(30 * 86_400)),
    alert({
      name: "BackupRunsBelowObjective",
      expression: `${ratio}_1d < ${limit.value}`,
      limit,
      severity: "warning",
      area: "backup",
      summary: "Runs of dumps have failed.",
      description:
        "Of the last day's runs of dumps on {{ $labels.instance }} not all ended well. A later one may have succeeded: then nothing is lost, but find out why.",
      value: "{{ $value | humanizePercentage }}",
    }),
  ];
}

function successRatio(name: string, window: string): Recording {
  const runs = (outcome: string, offset = "") =>
    `sum by (instance, cluster) (dbkeeper_runs_total{job="node",command="run",outcome="${outcome}"}${offset})`;
  const ago = ` offset ${window}`;
  const ended = `clamp_min(${runs("ok")} - ${runs("ok", ago)}, 0)`;
  const failed = `clamp_min(${runs("failed")} - (${runs("failed", ago)} or 0 * ${runs("failed")}), 0)`;
  return record({ name, expression: `${ended} / (${ended} + (${failed} or 0 * ${runs("ok")}) > 0)` });
}
