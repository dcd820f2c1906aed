/** What Prometheus says of a group of rules. */
export interface GroupState {
  readonly intervalSeconds: number;
  readonly durationSeconds: number;
  /** When it was evaluated last, in seconds since the epoch; 0 where it was not yet. */
  readonly evaluatedAt: number;
  readonly rules: number;
  readonly missed: number;
  readonly failures: number;
}

const metrics: Readonly<Record<string, keyof GroupState>> = {
  interval_seconds: "intervalSeconds",
  last_duration_seconds: "durationSeconds",
  last_evaluation_timestamp_seconds: "evaluatedAt",
  rules: "rules",
  iterations_missed_total: "missed",
};

const line =
  /^prometheus_rule_(group_(\w+)|evaluation_failures_total)\{rule_group="[^"]*;([^";]+)"\} (\S+)$/gm;

/** Reads the state of all groups, by their name, from the metrics of a Prometheus. */
export function groupStates(text: string): ReadonlyMap<string, GroupState> {
  const states = new Map<string, Partial<Record<keyof GroupState, number>>>();
  for (const [, , metric, group = "", value] of text.matchAll(line)) {
    const figure = metric === undefined ? "failures" : metrics[metric];
    if (figure !== undefined) states.set(group, { ...states.get(group), [figure]: Number(value) });
  }
  const none = { intervalSeconds: 0, durationSeconds: 0, evaluatedAt: 0, rules: 0, missed: 0, failures: 0 };
  return new Map([...states].map(([group, state]) => [group, { ...none, ...state }]));
}

/** The value of a metric without labels; 0 where it is not there. */
export function plainMetric(text: string, metric: string): number {
  return Number(new RegExp(`^${metric} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
}
