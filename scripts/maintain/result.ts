import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Config } from "../config.ts";
import { hasCode, writeFileAtomic } from "../system/files.ts";
import { maintenanceDirectory } from "./config.ts";

/** What can be done with a table or an index. */
export const actions = ["vacuum", "analyze", "reindex", "drop-leftover"] as const;

/** See {@link actions}. */
export type Action = (typeof actions)[number];

/**
 * What can become of it. `locked`: another session held it; `not-permitted`: the role may not; `gone`: dropped
 * meanwhile; `left-out`: the window had ended, or a backup had begun.
 */
export const outcomes = ["done", "locked", "not-permitted", "gone", "failed", "left-out"] as const;

const itemShape = {
  database: z.string(),
  schema: z.string(),
  /** Table or index. */
  name: z.string(),
  action: z.enum(actions),
  /** Why it was chosen. */
  why: z.string(),
};

const itemSchema = z.object(itemShape);

/** One piece of work. */
export type WorkItem = z.infer<typeof itemSchema>;

const resultSchema = z.object({
  ...itemShape,
  outcome: z.enum(outcomes),
  /** Why it was not done; `null` where it was. */
  reason: z.string().nullable(),
  durationSeconds: z.number().min(0),
});

/** What became of a piece of work. */
export type WorkResult = z.infer<typeof resultSchema>;

const bloatSchema = z.object({
  database: z.string(),
  schema: z.string(),
  name: z.string(),
  kind: z.enum(["table", "index"]),
  bytes: z.number().min(0),
  bloatBytes: z.number().min(0),
  /** `measured` by pgstattuple; `estimated` from statistics, which may be far off. */
  method: z.enum(["measured", "estimated"]),
});

/** How much of a table or an index is neither rows nor the space that it keeps free. */
export type Bloat = z.infer<typeof bloatSchema>;

const figuresSchema = z.object({
  database: z.string(),
  bytes: z.number().min(0),
  tables: z.int().min(0),
  /** As the server counts them, in all tables. */
  deadRows: z.number().min(0),
});

/** What a database is like after a maintenance. */
export type Figures = z.infer<typeof figuresSchema>;

const stateSchema = z.object({
  formatVersion: z.literal(1),
  /** What was asked for. */
  tasks: z.array(z.string()),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** Whether it ended early for a backup. */
  gaveWay: z.boolean(),
  results: z.array(resultSchema),
  /** Of each database that was reached. */
  figures: z.array(figuresSchema).default([]),
  /** The most bloated first; `null` where it was not asked for. */
  bloat: z.array(bloatSchema).nullable(),
  /** Databases that could not be worked on, and why. */
  failed: z.array(z.object({ database: z.string(), reason: z.string() })),
});

/** What the last maintenance did: the content of `.dbkeeper-<cluster>.maintenance.json` in the backup folder. */
export type MaintenanceState = z.infer<typeof stateSchema>;

/** Reads what the last maintenance did; `undefined` where there was none. */
export async function readMaintenance(config: Config): Promise<MaintenanceState | undefined> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(stateFile(config), "utf8")));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Keeps what a maintenance did. */
export async function writeMaintenance(config: Config, state: MaintenanceState): Promise<void> {
  const text = `${JSON.stringify(stateSchema.parse(state), null, 1)}\n`;
  // Reports are made by the account of the dumps.
  await writeFileAtomic(stateFile(config), text, 0o640);
}

function stateFile(config: Config): string {
  return join(maintenanceDirectory(config), `.dbkeeper-${config.cluster.name}.maintenance.json`);
}
