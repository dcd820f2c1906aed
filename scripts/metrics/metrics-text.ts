import { type Manifest, sizeOfDump } from "../runs/manifest.ts";

/** One metric with its samples. */
interface Family {
  name: string;
  help: string;
  samples: { labels: Record<string, string>; value: number }[];
}

/** How the last run of a command ended. */
export interface CommandResult {
  command: string;
  success: boolean;
  /** Unix time. */
  timestampSeconds: number;
}

/** What {@link renderMetrics} needs. */
export interface MetricsInput {
  cluster: string;
  /** Manifests of all runs, oldest first; `undefined` where the backup folder cannot be read. */
  manifests: readonly Manifest[] | undefined;
  results: readonly CommandResult[];
  /** `undefined` where it cannot be read. */
  freeBytes: number | undefined;
}

/**
 * The metrics in Prometheus' text format. They come from the manifests, so the last good values stay when a run
 * fails. What never happened has no sample: a zero would look like 1970, not like "never".
 */
export function renderMetrics({ cluster, manifests = [], results, freeBytes }: MetricsInput): string {
  const newest = manifests.at(-1);
  // A database that the newest run no longer names was dropped: its age must not raise an alert for ever.
  const databases =
    newest === undefined ? [] : [...newest.databases, ...newest.failed].map(({ name }) => name);
  const perDatabase = (value: (manifest: Manifest, database: string) => number | undefined) =>
    databases.toSorted().flatMap((database) => {
      const last = manifests.findLast((manifest) => value(manifest, database) !== undefined);
      const found = last === undefined ? undefined : value(last, database);
      return found === undefined ? [] : [{ labels: { cluster, database }, value: found }];
    });
  const entryOf = (manifest: Manifest, database: string) =>
    manifest.databases.find(({ name }) => name === database);
  const perCommand = (value: (result: CommandResult) => number) =>
    results.map((result) => ({ labels: { cluster, command: result.command }, value: value(result) }));

  const families: Family[] = [
    {
      name: "dbkeeper_last_success_timestamp_seconds",
      help: "End of the newest complete dump of the database, Unix time.",
      samples: perDatabase((manifest, database) =>
        entryOf(manifest, database) === undefined ? undefined : seconds(manifest.finishedAt),
      ),
    },
    {
      name: "dbkeeper_last_validated_timestamp_seconds",
      help: "End of the newest dump of the database that was restored and found equal to its source, Unix time.",
      samples: perDatabase((manifest, database) =>
        isProven(manifest, database) ? seconds(manifest.finishedAt) : undefined,
      ),
    },
    {
      name: "dbkeeper_last_offsite_timestamp_seconds",
      help: "End of the newest dump of the database that was copied off-site, Unix time.",
      samples: perDatabase((manifest, database) =>
        manifest.offsite === null || entryOf(manifest, database) === undefined
          ? undefined
          : seconds(manifest.finishedAt),
      ),
    },
    {
      name: "dbkeeper_dump_size_bytes",
      help: "Size of the newest dump of the database.",
      samples: perDatabase((manifest, database) => {
        const entry = entryOf(manifest, database);
        return entry && sizeOfDump(entry);
      }),
    },
    {
      name: "dbkeeper_dump_duration_seconds",
      help: "Time the newest dump of the database took.",
      samples: perDatabase((manifest, database) => entryOf(manifest, database)?.durationSeconds),
    },
    {
      name: "dbkeeper_last_run_success",
      help: "Whether the last run of the command ended well (1) or not (0).",
      samples: perCommand(({ success }) => (success ? 1 : 0)),
    },
    {
      name: "dbkeeper_last_run_timestamp_seconds",
      help: "End of the last run of the command, Unix time.",
      samples: perCommand(({ timestampSeconds }) => timestampSeconds),
    },
    {
      name: "dbkeeper_backup_directory_free_bytes",
      help: "Bytes free where the dumps are kept.",
      samples: freeBytes === undefined ? [] : [{ labels: { cluster }, value: freeBytes }],
    },
  ];
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(renderFamily)
    .join("");
}

/** Reads the results of commands back from metrics that {@link renderMetrics} wrote for this cluster. */
export function parseResults(text: string, cluster: string): CommandResult[] {
  const results = new Map<string, CommandResult>();
  const line =
    /^dbkeeper_last_run_(success|timestamp_seconds)\{cluster="([^"]*)",command="([^"]*)"\} (\S+)$/gm;
  for (const [, kind, of, command = "", value] of text.matchAll(line)) {
    if (of !== cluster) continue;
    const result = results.get(command) ?? { command, success: false, timestampSeconds: 0 };
    if (kind === "success") result.success = value === "1";
    else result.timestampSeconds = Number(value);
    results.set(command, result);
  }
  return [...results.values()];
}

function isProven(manifest: Manifest, database: string): boolean {
  const { validation } = manifest;
  if (validation?.level !== "restore") return false;
  return validation.databases.some(({ name, outcome }) => name === database && outcome === "passed");
}

function renderFamily({ name, help, samples }: Family): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}{${pairs.join(",")}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
