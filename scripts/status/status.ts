import type { Config } from "../config.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { isValidated, type Manifest } from "../runs/manifest.ts";
import { listRuns, requireDirectory, sizeOfRun } from "../runs/runs.ts";

/** What `dbkeeper status --json` prints; times in ISO 8601. A stable interface. */
export interface Status {
  cluster: string;
  directory: string;
  /** Oldest first. */
  runs: {
    run: string;
    startedAt: string;
    finishedAt: string;
    ageSeconds: number;
    sizeBytes: number;
    databases: string[];
    failed: string[];
    /** Highest level that passed, `failed`, or `none` where nothing was tried. */
    validation: "none" | "checksum" | "decode" | "restore" | "failed";
    /** Complete, restored and compared: only such a run counts. */
    validated: boolean;
    offsite: string | null;
  }[];
  unreadable: { run: string; reason: string }[];
  /** End of the newest run of each kind; `null` where there is none. */
  lastComplete: string | null;
  lastValidated: string | null;
  lastOffsite: string | null;
}

/** Reads what is there. Fails as `preflight` where the backup folder is missing. */
export async function readStatus(config: Config, now: Date): Promise<Status> {
  await requireDirectory(config.directory);
  const { runs, unreadable } = await listRuns(config.directory, config.cluster.name);
  const lastWith = (holds: (manifest: Manifest) => boolean) =>
    runs.findLast(({ manifest }) => holds(manifest))?.manifest.finishedAt ?? null;
  return {
    cluster: config.cluster.name,
    directory: config.directory,
    runs: runs.map(({ id, manifest }) => ({
      run: id,
      startedAt: manifest.startedAt,
      finishedAt: manifest.finishedAt,
      ageSeconds: Math.max(0, Math.round((now.getTime() - Date.parse(manifest.finishedAt)) / 1000)),
      sizeBytes: sizeOfRun(manifest),
      databases: manifest.databases.map(({ name }) => name),
      failed: manifest.failed.map(({ name }) => name),
      validation: validationOf(manifest),
      validated: isValidated(manifest),
      offsite: manifest.offsite?.url ?? null,
    })),
    unreadable: unreadable.map(({ id, reason }) => ({ run: id, reason })),
    lastComplete: lastWith((manifest) => manifest.failed.length === 0),
    lastValidated: lastWith(isValidated),
    lastOffsite: lastWith((manifest) => manifest.offsite !== null),
  };
}

/** The status as a table for people. */
export function formatStatus(status: Status): string {
  const header = ["RUN", "AGE", "SIZE", "DATABASES", "VALIDATION", "OFF-SITE"];
  const rows = status.runs.map((run) => [
    run.run,
    formatSeconds(run.ageSeconds),
    formatBytes(run.sizeBytes),
    run.failed.length === 0
      ? String(run.databases.length)
      : `${run.databases.length}, ${run.failed.length} failed`,
    run.validation,
    run.offsite === null ? "no" : "yes",
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const broken = status.unreadable.map(({ run, reason }) => `unreadable ${run}: ${reason}`);
  const summary = `last validated: ${status.lastValidated ?? "never"}`;
  return `${[`${status.cluster} in ${status.directory}`, ...lines, ...broken, summary].join("\n")}\n`;
}

function validationOf({ validation }: Manifest): Status["runs"][number]["validation"] {
  if (validation === null) return "none";
  return validation.outcome === "passed" ? validation.level : "failed";
}
