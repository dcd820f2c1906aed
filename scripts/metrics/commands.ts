import type { Family } from "./family.ts";

/** How a run of a command ended. */
export interface CommandResult {
  command: string;
  exitCode: number;
  durationSeconds: number;
  /** Unix time. */
  timestampSeconds: number;
}

/** What {@link commandFamilies} writes, by the part of it that changes. */
const families = {
  success: {
    name: "dbkeeper_last_run_success",
    help: "Whether the last run of the command ended well (1) or not (0).",
  },
  exitCode: {
    name: "dbkeeper_last_run_exit_code",
    help: "Exit code of the last run of the command, see dbkeeper --help.",
  },
  timestamp: {
    name: "dbkeeper_last_run_timestamp_seconds",
    help: "End of the last run of the command, Unix time.",
  },
  duration: {
    name: "dbkeeper_last_run_duration_seconds",
    help: "Time the last run of the command took.",
  },
  runs: {
    name: "dbkeeper_runs_total",
    help: "Runs of the command since the metrics file was made, by their outcome.",
    type: "counter",
  },
} as const satisfies Record<string, Omit<Family, "samples">>;

/**
 * The results of commands after one more has ended: its own samples anew, those of the other commands as the file
 * had them. Samples of other clusters are left out.
 */
export function commandFamilies(
  cluster: string,
  previous: readonly Family[],
  { command, exitCode, durationSeconds, timestampSeconds }: CommandResult,
): Family[] {
  const kept = (name: string) =>
    (previous.find((family) => family.name === name)?.samples ?? []).filter(
      ({ labels }) => labels.cluster === cluster,
    );
  const labels = { cluster, command };
  const last = (family: Omit<Family, "samples">, value: number): Family => ({
    ...family,
    samples: [...kept(family.name).filter((sample) => sample.labels.command !== command), { labels, value }],
  });
  const outcome = exitCode === 0 ? "ok" : "failed";
  const isCounted = ({ labels: of }: { labels: Readonly<Record<string, string>> }) =>
    of.command === command && of.outcome === outcome;
  const runs = kept(families.runs.name);
  return [
    last(families.success, exitCode === 0 ? 1 : 0),
    last(families.exitCode, exitCode),
    last(families.timestamp, timestampSeconds),
    last(families.duration, durationSeconds),
    {
      ...families.runs,
      samples: [
        ...runs.filter((sample) => !isCounted(sample)),
        { labels: { ...labels, outcome }, value: (runs.find(isCounted)?.value ?? 0) + 1 },
      ],
    },
  ].map((family) => ({ ...family, samples: family.samples.toSorted(byLabels) }));
}

function byLabels(a: Family["samples"][number], b: Family["samples"][number]): number {
  const [left, right] = [Object.values(a.labels).join("\n"), Object.values(b.labels).join("\n")];
  return left < right ? -1 : left > right ? 1 : 0;
}
