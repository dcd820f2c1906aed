import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Context } from "../context.ts";
import { messageOf } from "../exit-codes.ts";
import { hasCode, writeFileAtomic } from "../system/files.ts";
import { observeDirectory } from "./config.ts";

/** What is looked at by itself, so that the failure of one takes nothing from the others. */
export const parts = [
  "integrity",
  "security",
  "settings",
  "transactions",
  "replication",
  "databases",
  "statements",
  "log",
] as const;

/** See {@link parts}. */
export type Part = (typeof parts)[number];

const printSchema = z.object({
  /** Digest of each thing, by its name. */
  items: z.record(z.string(), z.string()),
  /** When they last differed from those before, Unix time; `null` where that was never seen. */
  changedAt: z.number().nullable(),
  changes: z.int().min(0),
});

/** What a set of things looked like, without what they hold. */
export type Print = z.infer<typeof printSchema>;

const positionSchema = z.object({
  inode: z.number(),
  /** Bytes that have been read. */
  offset: z.int().min(0),
  /** Digest and length of the end of what has been read, to know the file again. */
  tail: z.object({ bytes: z.int().min(0), sha256: z.string() }),
});

/** Up to where a log has been read. */
export type LogPosition = z.infer<typeof positionSchema>;

const histogramSchema = z.object({
  /** Not cumulative, one more than there are bounds. */
  counts: z.array(z.number().min(0)),
  sumSeconds: z.number().min(0),
});

/** Durations of one database's statements. */
export type Histogram = z.infer<typeof histogramSchema>;

const stateSchema = z.object({
  /** When each part was last seen well, Unix time. */
  seenAt: z.partialRecord(z.enum(parts), z.number()).default({}),
  prints: z.record(z.string(), printSchema).default({}),
  log: z
    .object({
      position: positionSchema,
      events: z.record(z.string(), z.int().min(0)),
      unreadBytes: z.number(),
    })
    .nullable()
    .default(null),
  statements: z
    .object({
      /** Calls and milliseconds of each statement, as the server has counted them. */
      counted: z.record(z.string(), z.tuple([z.number(), z.number()])),
      histograms: z.record(z.string(), histogramSchema),
    })
    .nullable()
    .default(null),
});

/** What one look leaves for the next. */
export type State = z.infer<typeof stateSchema>;

function stateFile({ config }: Context): string {
  return join(observeDirectory(config), `.dbkeeper-${config.cluster.name}.observed.json`);
}

/** What the last look left. Where that cannot be read it is told of, and everything begins anew. */
export async function readState(context: Context): Promise<State> {
  const path = stateFile(context);
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) {
      const text = `cannot read ${path}, so counters and changes begin anew: ${messageOf(error)}`;
      context.report.event("warning", "observed-forgotten", text);
    }
    return stateSchema.parse({});
  }
}

/** Keeps it: a change that was seen must not be forgotten by a restart. */
export async function writeState(context: Context, state: State): Promise<void> {
  await writeFileAtomic(stateFile(context), `${JSON.stringify(state)}\n`);
}

/** A digest that tells two values apart without holding them. */
export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
