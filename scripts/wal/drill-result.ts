import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { hasCode, writeFileAtomic } from "../system/files.ts";
import type { RecoveryProof } from "./sentinel.ts";

const resultSchema = z.object({
  /** Increased when a reader of the former version would be wrong. */
  formatVersion: z.literal(1),
  cluster: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** `pass` only when everything was checked and good; `partial` when something could not be checked. */
  verdict: z.enum(["pass", "partial", "fail"]),
  /** Why it is no pass; empty where it is. */
  reasons: z.array(z.string()),
  target: z.string(),
  backup: z.string(),
  backupType: z.enum(["full", "diff", "incr"]),
  /** Repository that everything was restored from. */
  repository: z.int().default(1),
  /** Seconds of each phase that was reached. */
  phases: z.record(z.string(), z.number()),
  /** From the start of the restore until all checks had ended, and the objective. */
  rtoSeconds: z.number().nullable(),
  rtoObjectiveSeconds: z.number(),
  /** Target minus the newest recovered sentinel row, and the objective; `null` where none was recovered. */
  rpoSeconds: z.number().nullable(),
  /** `null` in drills of before there was one. */
  rpoObjectiveSeconds: z.number().nullable().default(null),
  /** How long the last segment took until it was archived. */
  archiveSeconds: z.number().nullable(),
  /** Sentinel rows that had to be there. */
  rowsDue: z.number().int().nullable(),
  clusterBytes: z.number(),
});

/** What a drill found. A stable interface: `wal drill --json` prints it, and the history keeps it. */
export type DrillResult = z.infer<typeof resultSchema>;

/** What the checks of a drill that came to an end found. */
export interface DrillFindings {
  proof: RecoveryProof;
  /** Why pg_amcheck failed, or was not run; `null` where it found nothing. */
  amcheck: { kind: "failed" | "skipped"; reason: string } | null;
  rtoSeconds: number;
  rtoObjectiveSeconds: number;
  rpoSeconds: number | null;
  rpoObjectiveSeconds: number;
}

/** A check that was skipped can never be a pass, and one that failed is never outweighed. */
export function judgeDrill(found: DrillFindings): Pick<DrillResult, "verdict" | "reasons"> {
  const { proof, amcheck } = found;
  const failures = [
    ...(proof.missing.length > 0
      ? [`${proof.missing.length} of ${proof.due} rows that were committed by then are missing`]
      : []),
    ...(proof.altered.length > 0 ? [`${proof.altered.length} rows are not what was committed`] : []),
    ...(proof.early.length > 0 ? [`${proof.early.length} rows were committed only later`] : []),
    ...(amcheck?.kind === "failed" ? [amcheck.reason] : []),
    ...(found.rtoSeconds > found.rtoObjectiveSeconds
      ? [`it took ${Math.round(found.rtoSeconds)} s, the objective is ${found.rtoObjectiveSeconds} s`]
      : []),
  ];
  if (failures.length > 0) return { verdict: "fail", reasons: failures };
  const skipped = [
    ...(proof.due === 0 ? ["no sentinel row was committed by then, so nothing proves the time"] : []),
    // No row was lost, so nothing need have been committed in between; but nothing shows that either.
    ...(found.rpoSeconds !== null && found.rpoSeconds > found.rpoObjectiveSeconds
      ? [
          `the newest recovered row is ${Math.round(found.rpoSeconds)} s older than the target, the objective is ${found.rpoObjectiveSeconds} s; does \`dbkeeper wal check\` run?`,
        ]
      : []),
    ...(amcheck?.kind === "skipped" ? [amcheck.reason] : []),
  ];
  return { verdict: skipped.length > 0 ? "partial" : "pass", reasons: skipped };
}

/** The file that keeps every drill of a cluster, one JSON line each, oldest first. */
export function historyFile(directory: string, cluster: string): string {
  return join(directory, "drills", `${cluster}.jsonl`);
}

/** Drills that were kept, oldest first; lines that cannot be read are passed over. */
export async function readHistory(directory: string, cluster: string): Promise<DrillResult[]> {
  return (await linesOf(historyFile(directory, cluster))).flatMap((line) => {
    try {
      return [resultSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

/** Adds a drill to the history. */
export async function recordDrill(directory: string, result: DrillResult): Promise<void> {
  const file = historyFile(directory, result.cluster);
  await mkdir(dirname(file), { recursive: true, mode: 0o750 });
  const lines = [...(await linesOf(file)), JSON.stringify(result)];
  await writeFileAtomic(file, `${lines.join("\n")}\n`, 0o640);
}

async function linesOf(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
