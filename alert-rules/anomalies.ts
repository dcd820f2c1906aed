import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { type Alert, alert, type Recording, type RuleGroup, record } from "./rule.ts";

/**
 * Values that are not as they use to be: latency, block reads and throughput of each server, judged by four methods.
 * Two look at the last day (standard deviation, quartiles), which knows its rhythm but not a slow change; two at the last
 * hours (moving and exponential average), which follow a change but forget the rhythm. Each votes: 1 for unusually high,
 * -1 for unusually low. One vote is no news, and votes against each other are none.
 */
export function anomalies(lab: Lab): RuleGroup {
  const intervalSeconds = lab.every(60);
  return {
    name: "anomalies",
    intervalSeconds,
    rules: [
      ...signals(lab),
      ...usual(lab, intervalSeconds),
      ...votes(lab),
      // After the votes, so that a value is never judged by what it has changed itself.
      ...smoothing(lab),
      ...alerts(lab),
    ],
  };
}

const value = "instance:postgres_signal:value";
const mean = "instance:postgres_signal:mean";
const deviation = "instance:postgres_signal:deviation";
const lowerQuartile = "instance:postgres_signal:lower_quartile";
const upperQuartile = "instance:postgres_signal:upper_quartile";
const quartileRange = "instance:postgres_signal:quartile_range";
const movingAverage = "instance:postgres_signal:moving_average";
const smoothed = "instance:postgres_signal:smoothed";
const smoothedDeviation = "instance:postgres_signal:smoothed_deviation";

/** What is judged. Of few statements the mean is an accident: then there is no value. */
function signals(lab: Lab): Recording[] {
  const duration = (of: string) =>
    `sum by (instance, cluster) (rate(dbkeeper_observed_statement_duration_seconds_${of}{job="node"}[${observedWindow(lab, 300)}]))`;
  const counted = (metric: string) =>
    `sum by (instance, cluster) (rate(${metric}{job="postgres"}[${lab.window(300)}]))`;
  const signal = (name: string, expression: string) =>
    record({ name: value, labels: { signal: name }, expression });
  return [
    signal(
      "latency",
      `${duration("sum")} / (${duration("count")} > ${lab.limit("anomalyStatementFloor").value})`,
    ),
    signal("block_reads", counted("pg_stat_database_blks_read")),
    signal("throughput", counted("pg_stat_database_xact_commit")),
  ];
}

const daySeconds = 86_400;

/** What a day was like, without its last quarter of an hour: what is judged must not be part of its own measure. */
function usual(lab: Lab, intervalSeconds: number): Recording[] {
  const day = lab.window(daySeconds);
  const past = (window: string) => `${value}[${window}] offset ${lab.window(900)}`;
  const samples = Math.ceil((daySeconds * lab.pace * lab.limit("anomalyHistory").value) / intervalSeconds);
  const least = lab.limit("anomalySpreadFloor").value;
  const spread = (name: string, expression: string) =>
    record({ name, expression: `${expression} > ${least} * ${mean} or ${least} * ${mean}` });
  return [
    record({
      name: mean,
      expression: `avg_over_time(${past(day)}) and count_over_time(${past(day)}) >= ${samples}`,
    }),
    spread(deviation, `stddev_over_time(${past(day)})`),
    record({ name: lowerQuartile, expression: `quantile_over_time(0.25, ${past(day)})` }),
    record({ name: upperQuartile, expression: `quantile_over_time(0.75, ${past(day)})` }),
    spread(quartileRange, `${upperQuartile} - ${lowerQuartile}`),
    record({ name: movingAverage, expression: `avg_over_time(${past(lab.window(3600))})` }),
  ];
}

/** A vote of each method on each value. */
function votes(lab: Lab): Recording[] {
  const of = (figure: Parameters<Lab["limit"]>[0]) => lab.limit(figure).value;
  const vote = (method: string, low: string, high: string) =>
    record({
      name: "instance:postgres_signal:vote",
      labels: { method },
      expression: `(${value} > bool ${high}) - (${value} < bool ${low})`,
    });
  const [sigma, range] = [of("anomalyDeviations"), of("anomalyQuartileRanges")];
  const [factor, step] = [of("anomalyFactor"), of("anomalySmoothedDeviations")];
  return [
    vote("standard_deviation", `(${mean} - ${sigma} * ${deviation})`, `(${mean} + ${sigma} * ${deviation})`),
    vote(
      "quartiles",
      `(${lowerQuartile} - ${range} * ${quartileRange})`,
      `(${upperQuartile} + ${range} * ${quartileRange})`,
    ),
    vote("moving_average", `(${movingAverage} / ${factor})`, `(${factor} * ${movingAverage})`),
    vote(
      "exponential_smoothing",
      `(${smoothed} - ${step} * ${smoothedDeviation})`,
      `(${smoothed} + ${step} * ${smoothedDeviation})`,
    ),
    record({
      name: "instance:postgres_signal:votes",
      expression: `sum by (instance, cluster, signal) (instance:postgres_signal:vote) and ${mean}`,
    }),
  ];
}

/** Weight of the newest of the two hours (120 values a minute apart) that smoothing remembers: 2 / (n + 1). */
const newest = 0.0165;
const older = 1 - newest;

/**
 * Exponential smoothing as a rule that reads its own last result: holt_winters() of Prometheus 2 and its successor in 3,
 * behind a flag, are not known to both. It begins with the first value that it sees.
 */
function smoothing(lab: Lab): Recording[] {
  const least = lab.limit("anomalySpreadFloor").value;
  const distance = `${newest} * abs(${value} - ${smoothed}) + ${older} * (${smoothedDeviation} or 0 * ${value})`;
  return [
    record({
      name: smoothedDeviation,
      expression: `(${distance}) > ${least} * ${smoothed} or ${least} * ${smoothed}`,
    }),
    record({
      name: smoothed,
      expression: `${newest} * ${value} + ${older} * (${smoothed} or ${value})`,
    }),
  ];
}

interface Anomaly {
  readonly name: string;
  /** The votes that count, and a floor where one is needed. */
  readonly condition: (votes: number) => string;
  readonly summary: string;
  readonly description: string;
}

function alerts(lab: Lab): Alert[] {
  const votesOn = (signal: string) => `instance:postgres_signal:votes{signal="${signal}"}`;
  const kinds: readonly Anomaly[] = [
    {
      name: "PostgresLatencyUnusual",
      condition: (least) => `${votesOn("latency")} >= ${least}`,
      summary: "Statements take unusually long.",
      description:
        "Statements on {{ $labels.instance }} take longer than they use to at any hour of the last day.",
    },
    {
      name: "PostgresBlockReadsUnusual",
      condition: (least) =>
        `${votesOn("block_reads")} >= ${least} and ${value}{signal="block_reads"} > ${lab.limit("anomalyBlockFloor").value}`,
      summary: "A server reads unusually many blocks.",
      description: "{{ $labels.instance }} reads more blocks from outside shared buffers than it uses to.",
    },
    {
      name: "PostgresThroughputUnusual",
      condition: (least) =>
        `abs(${votesOn("throughput")}) >= ${least} and ${mean}{signal="throughput"} > ${lab.limit("anomalyCommitFloor").value}`,
      summary: "A server commits unusually much or little.",
      description:
        "{{ $labels.instance }} commits far more or fewer transactions than it uses to: a program that runs wild, or one that cannot work.",
    },
  ];
  return kinds.flatMap(({ condition, ...text }) =>
    (["info", "warning"] as const).map((severity) => {
      const limit = lab.limit(severity === "info" ? "anomalyVotesInfo" : "anomalyVotesWarning");
      return alert({
        ...text,
        expression: condition(limit.value),
        limit,
        severity,
        area: "performance",
        value: "{{ $value }} of 4 methods",
      });
    }),
  );
}
