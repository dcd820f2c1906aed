import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { mapParallel } from "../system/parallel.ts";
import { archiveOf, offsite, openReader } from "./client.ts";
import { listArchived } from "./inventory.ts";
import { describeObject, type ObjectStatus } from "./object-status.ts";

/** What `dbkeeper archive list --json` prints; times in ISO 8601. A stable interface. */
export interface ArchiveList {
  /** Where the runs lie. */
  url: string;
  /** Oldest first. */
  runs: {
    run: string;
    finishedAt: string | null;
    /** Of all objects but the manifest. */
    sizeBytes: number;
    objects: number;
    storageClasses: string[];
    /** Until when every object is locked; `null` where one is not, or the reader may not see it. */
    lockedUntil: string | null;
    /** Whether it can be read now, must be restored first, waits for that, or lacks something. */
    state: "readable" | "archived" | "restoring" | "incomplete";
    /** When the first of the restored copies goes; `null` where none is needed. */
    readableUntil: string | null;
    /** Why it is incomplete, or its manifest cannot be read. */
    problem: string | null;
  }[];
}

/** Reads what the archive holds of the cluster, with the reader's credentials. */
export async function readArchiveList(context: Context): Promise<ArchiveList> {
  const settings = archiveOf(context);
  const { name } = context.config.cluster;
  const reader = await openReader(settings);
  try {
    return await offsite(context.signal, "cannot list the archive", async () => {
      const archived = await listArchived(reader, settings.prefix, name);
      const runs: ArchiveList["runs"] = [];
      for (const { id, manifest, problem, manifestStatus } of archived) {
        const objects = manifest?.offsite?.objects ?? [];
        const statuses = await mapParallel(objects, settings.connections, (object) =>
          describeObject(reader, object),
        );
        const all = manifest === undefined ? [] : statuses;
        runs.push({
          run: id,
          finishedAt: manifest?.finishedAt ?? null,
          ...summary(all.length > 0 || manifestStatus === undefined ? all : [manifestStatus]),
          objects: objects.length,
          ...(problem === undefined ? {} : { problem }),
          ...(manifestStatus === undefined ? { state: "incomplete" as const } : {}),
        });
      }
      return { url: `s3://${settings.bucket}/${settings.prefix}/${name}/`, runs };
    });
  } finally {
    reader.client.destroy();
  }
}

/** The list as a table for people. */
export function formatArchiveList({ url, runs }: ArchiveList): string {
  const rows = runs.map((run) => [
    run.run,
    formatBytes(run.sizeBytes),
    run.storageClasses.join(",") || "-",
    run.lockedUntil?.slice(0, 10) ?? "-",
    run.readableUntil === null ? run.state : `${run.state} until ${run.readableUntil}`,
    run.problem ?? "",
  ]);
  const table = [["RUN", "SIZE", "CLASS", "LOCKED UNTIL", "STATE", ""], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${[url, ...lines].join("\n")}\n`;
}

function summary(statuses: readonly ObjectStatus[]) {
  const has = (state: ObjectStatus["state"]) => statuses.some((status) => status.state === state);
  const missing = statuses.filter(({ state }) => state === "missing").map(({ key }) => key);
  const state = has("missing")
    ? ("incomplete" as const)
    : has("archived")
      ? ("archived" as const)
      : has("restoring")
        ? ("restoring" as const)
        : ("readable" as const);
  return {
    sizeBytes: statuses.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    storageClasses: [
      ...new Set(statuses.map(({ storageClass }) => storageClass).filter((name) => name !== "")),
    ].toSorted(),
    lockedUntil: statuses.some(({ lockUntil }) => lockUntil === null)
      ? null
      : earliest(statuses.map(({ lockUntil }) => lockUntil)),
    state,
    readableUntil: state === "readable" ? earliest(statuses.map(({ readableUntil }) => readableUntil)) : null,
    problem: missing.length === 0 ? null : `missing: ${missing.join(", ")}`,
  };
}

function earliest(times: readonly (Date | null)[]): string | null {
  const known = times.filter((time) => time !== null).map((time) => time.getTime());
  return known.length === 0 ? null : new Date(Math.min(...known)).toISOString();
}
