import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Config } from "../config.ts";
import { type Family, unixTime } from "../metrics/family.ts";
import type { MetricsSource } from "../metrics/source.ts";
import { hasCode, writeFileAtomic } from "../system/files.ts";

const verificationSchema = z.object({
  formatVersion: z.literal(1),
  finishedAt: z.iso.datetime(),
  runs: z.int().min(0),
  /** Objects of which S3 was asked. */
  objects: z.int().min(0),
  /** Those of them that were read in full. */
  objectsRead: z.int().min(0),
  /** What differs or is missing. */
  problems: z.int().min(0),
  /** When nothing differed for the last time; `null` where that never was. */
  lastGoodAt: z.iso.datetime().nullable(),
});

/** What `archive verify` found. */
export type Verification = z.infer<typeof verificationSchema>;

const retrievedSchema = z.object({
  formatVersion: z.literal(1),
  run: z.string(),
  finishedAt: z.iso.datetime(),
  sizeBytes: z.int().min(0),
});

/** The run that `archive restore` brought back last. */
export type Retrieved = z.infer<typeof retrievedSchema>;

type Place = Pick<Config, "directory" | "cluster">;

/** Writes down what a verification found; of an earlier one stays when it was the last good one. */
export async function recordVerification(
  place: Place,
  found: Omit<Verification, "formatVersion" | "lastGoodAt">,
): Promise<void> {
  const earlier = await read(place, "verify", verificationSchema);
  const lastGoodAt = found.problems === 0 ? found.finishedAt : (earlier?.lastGoodAt ?? null);
  const result: Verification = { formatVersion: 1, ...found, lastGoodAt };
  await writeFileAtomic(pathOf(place, "verify"), `${JSON.stringify(result)}\n`);
}

/** Writes down that a run is back, unless one is known to have come back later. */
export async function recordRetrieved(place: Place, back: Omit<Retrieved, "formatVersion">): Promise<void> {
  const known = await read(place, "restore", retrievedSchema);
  if (known !== undefined && Date.parse(known.finishedAt) >= Date.parse(back.finishedAt)) return;
  const result: Retrieved = { formatVersion: 1, ...back };
  await writeFileAtomic(pathOf(place, "restore"), `${JSON.stringify(result)}\n`);
}

/** What was found in the archive and brought back from there, for the metrics. */
export const archiveMetrics: MetricsSource = {
  ageing: archiveFamilies("", undefined, undefined).map(({ name }) => name),
  async read({ config }) {
    const [verification, retrieved] = await Promise.all([
      read(config, "verify", verificationSchema),
      read(config, "restore", retrievedSchema),
    ]);
    return archiveFamilies(config.cluster.name, verification, retrieved);
  },
};

/** The samples of the last verification and the last retrieval. */
export function archiveFamilies(
  cluster: string,
  verification: Verification | undefined,
  retrieved: Retrieved | undefined,
): Family[] {
  const labels = { cluster };
  const once = (value: number | undefined) => (value === undefined ? [] : [{ labels, value }]);
  const at = (time: string | null | undefined) => once(time ? unixTime(time) : undefined);
  return [
    {
      name: "dbkeeper_archive_last_verified_timestamp_seconds",
      help: "When everything in the archive was found as it was sent for the last time, Unix time.",
      samples: at(verification?.lastGoodAt),
    },
    {
      name: "dbkeeper_archive_runs",
      help: "Runs that the last verification found in the archive.",
      samples: once(verification?.runs),
    },
    {
      name: "dbkeeper_archive_verified_objects",
      help: "Objects of the archive of which the last verification asked S3.",
      samples: once(verification?.objects),
    },
    {
      name: "dbkeeper_archive_problems",
      help: "What the last verification found to differ from what was sent, or to be missing.",
      samples: once(verification?.problems),
    },
    {
      name: "dbkeeper_archive_reread_objects",
      help: "Objects that the last verification read in full.",
      samples: once(verification?.objectsRead),
    },
    {
      name: "dbkeeper_archive_last_retrieved_timestamp_seconds",
      help: "When a run was brought back from the archive for the last time, Unix time.",
      samples: at(retrieved?.finishedAt),
    },
    {
      name: "dbkeeper_archive_retrieved_size_bytes",
      help: "Size of the run that was brought back last.",
      samples: once(retrieved?.sizeBytes),
    },
  ];
}

async function read<T>(place: Place, what: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(pathOf(place, what), "utf8")));
  } catch (error) {
    const isNothing = hasCode(error, "ENOENT") || error instanceof SyntaxError || error instanceof z.ZodError;
    if (isNothing) return undefined;
    throw error;
  }
}

function pathOf({ directory, cluster }: Place, what: string): string {
  return join(directory, `.dbkeeper-${cluster.name}.archive-${what}.json`);
}
