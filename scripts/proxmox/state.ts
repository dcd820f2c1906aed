import * as z from "zod";
import type { Report } from "../events.ts";
import { messageOf } from "../exit-codes.ts";
import { textIfThere, writeFileAtomic } from "../system/files.ts";

const family = z.object({
  name: z.string(),
  help: z.string(),
  samples: z.array(z.object({ labels: z.record(z.string(), z.string()), value: z.number() })),
});

const stateSchema = z.object({
  version: z.literal(1),
  /** What is read less often than every minute, by part. Times are Unix times in seconds. */
  kept: z.record(z.string(), z.object({ readAt: z.number(), families: z.array(family) })),
  /** `guest lock` → when it was first seen. */
  locks: z.record(z.string(), z.number()),
  backups: z.object({
    /** Up to when backup runs of all nodes were read; 0 where they never were. */
    readAt: z.number(),
    /** Ids of the tasks that were read, with their ends. */
    seen: z.record(z.string(), z.number()),
    last: z.array(
      z.object({
        vmid: z.number(),
        finished: z.boolean(),
        warnings: z.number(),
        endedAt: z.number(),
        durationSeconds: z.number(),
        succeededAt: z.number().optional(),
      }),
    ),
  }),
});

/** What a run has to know of those before it; it may be lost at any time. */
export type State = z.infer<typeof stateSchema>;

const nothing: State = { version: 1, kept: {}, locks: {}, backups: { readAt: 0, seen: {}, last: [] } };

/** The state of the run before; a damaged one is said and begun anew. */
export async function readState(path: string, report: Report): Promise<State> {
  const text = await textIfThere(path);
  if (text === "") return structuredClone(nothing);
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    report.event(
      "warning",
      "state-lost",
      `${path} is damaged and begun anew: ${messageOf(error).split("\n")[0]}`,
    );
    return structuredClone(nothing);
  }
}

export async function writeState(path: string, state: State): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(state)}\n`, 0o600);
}
