import type { Figure } from "../limit.ts";

const votes = "methods of four that call a value unusual";
const m5 = "M5 of the requirements";

export const anomaliesFigures = {
  anomalyVotesInfo: {
    value: 2,
    unit: "count",
    forSeconds: 600,
    meaning: votes,
    source: "one alone is wrong too often: each has a kind of series on which it cries wolf",
  },
  anomalyVotesWarning: {
    value: 3,
    unit: "count",
    forSeconds: 600,
    meaning: votes,
    source: "two look at the last day and two at the last hours: three of them means that both views agree",
  },
  anomalyDeviations: {
    value: 3,
    unit: "deviations",
    forSeconds: 0,
    meaning: "distance from the mean of the last day, in standard deviations",
    source: m5,
  },
  anomalyQuartileRanges: {
    value: 1.5,
    unit: "count",
    forSeconds: 0,
    meaning: "distance from the middle half of the last day's values, in widths of that half",
    source: m5,
  },
  anomalyFactor: {
    value: 2,
    unit: "count",
    forSeconds: 0,
    meaning: "times that a value is above, or below, the moving average of an hour",
    source: "chosen: what has doubled or halved is seen on any graph",
  },
  anomalySmoothedDeviations: {
    value: 4,
    unit: "count",
    forSeconds: 0,
    meaning: "distance from the exponentially smoothed value, in smoothed deviations",
    source: "3 σ of a normal distribution are 3.8 of its mean deviations",
  },
  anomalySpreadFloor: {
    value: 0.05,
    unit: "ratio",
    forSeconds: 0,
    meaning: "smallest spread, as a part of the usual value: what varies less is taken to vary so much",
    source: "chosen: else a steady series is unusual at each breath",
  },
  anomalyHistory: {
    value: 0.25,
    unit: "ratio",
    forSeconds: 0,
    meaning: "part of the last day that must be known before anything is called unusual",
    source: "chosen: six hours, a quarter of a day's rhythm",
  },
  anomalyStatementFloor: {
    value: 0.5,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "statements of a server; with fewer, how long they take is not watched for anomalies",
    source: "chosen: 150 in the 5 min of which a mean is taken",
  },
  anomalyBlockFloor: {
    value: 100,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "blocks that a server reads from outside shared buffers; fewer are never unusual",
    source: "chosen: 0.8 MiB/s, which no disk notices",
  },
  anomalyCommitFloor: {
    value: 5,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "commits of a server on the mean of a day; with fewer, throughput is not watched for anomalies",
    source: "chosen: above what the exporter and the lab's own programs commit on an idle server",
  },
} as const satisfies Readonly<Record<string, Figure>>;
