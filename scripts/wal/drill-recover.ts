import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { formatSeconds } from "../events.ts";
import { messageOf } from "../exit-codes.ts";
import { clientEnvironment } from "../postgres/session.ts";
import { readOutput } from "../system/child.ts";
import type { DrillPlan } from "./drill-plan.ts";
import { type DrillFindings, type DrillResult, judgeDrill } from "./drill-result.ts";
import type { DrillSource } from "./drill-source.ts";
import { commonOptions, pgBackRest, type Wal } from "./pgbackrest.ts";
import { type ScratchCluster, type ScratchFolder, startScratchCluster } from "./scratch-cluster.ts";
import { formatMicros, judgeRecovery, readSentinels } from "./sentinel.ts";

/** The outcome as far as it is known before the verdict. */
export type Progress = Omit<DrillResult, "verdict" | "reasons" | "finishedAt">;

/** Times a phase, reports it and keeps it in the drill's progress. */
export async function timed<T>(
  { report }: Context,
  progress: Progress,
  phase: string,
  work: () => Promise<T>,
): Promise<T> {
  const from = performance.now();
  try {
    return await work();
  } finally {
    const seconds = secondsSince(from);
    progress.phases[phase] = seconds;
    report.event("info", "drill-phase", `${phase}: ${formatSeconds(seconds)}`, { phase, seconds });
  }
}

/**
 * Restores into the folder, recovers to the target there and judges what is in it. What the folder holds of a former
 * target is restored by its difference. The server is ended afterwards. Fails where it cannot be restored or recovered.
 */
export async function recoverAndJudge(
  context: Context,
  wal: Wal,
  source: DrillSource,
  plan: DrillPlan,
  folder: ScratchFolder,
  progress: Progress,
): Promise<Pick<DrillResult, "verdict" | "reasons">> {
  const { signal } = context;
  const begun = performance.now();
  await timed(context, progress, "restore", () => restore(wal, plan, folder, signal));
  const cluster = await startScratchCluster({
    folder,
    program: join(source.programs, "postgres"),
    restoreCommand: restoreCommand(wal, plan, folder),
    inherited: source.inherited,
    superuser: source.superuser,
    maintenanceDatabase: wal.connection.maintenanceDatabase,
  });
  try {
    const session = await timed(context, progress, "recover", () =>
      cluster.recovered(wal.config.drill.deadlineSeconds, signal),
    );
    const recovered = await timed(context, progress, "compare", () =>
      readSentinels(session).finally(() => session.close()),
    );
    const proof = judgeRecovery(source.rows, recovered, plan.target);
    const amcheck = await timed(context, progress, "amcheck", () => checkTables(source, cluster, signal));
    progress.rtoSeconds = secondsSince(begun);
    progress.rowsDue = proof.due;
    progress.rpoSeconds = proof.newestAt === null ? null : (plan.target - proof.newestAt) / 1_000_000;
    const { rtoSeconds, rtoObjectiveSeconds, rpoSeconds } = progress;
    const rpoObjectiveSeconds = wal.config.drill.rpoSeconds;
    return judgeDrill({
      proof,
      amcheck,
      rtoSeconds,
      rtoObjectiveSeconds,
      rpoSeconds,
      rpoObjectiveSeconds,
    });
  } finally {
    await cluster.stop();
  }
}

async function restore(wal: Wal, plan: DrillPlan, folder: ScratchFolder, signal: AbortSignal): Promise<void> {
  const options = [
    `--pg1-path=${folder.data}`,
    // Without it a tablespace would be restored to where the source has it.
    `--tablespace-map-all=${folder.tablespaces}`,
    `--repo=${plan.backup.repository}`,
    `--set=${plan.backup.label}`,
    "--delta",
    "--type=time",
    `--target=${formatMicros(plan.target)}`,
    "--target-action=promote",
    "--archive-mode=off",
    `--process-max=${wal.config.drill.processes}`,
    `--lock-path=${join(folder.path, "lock")}`,
  ];
  await pgBackRest(wal.config, "restore", options, signal);
}

/**
 * Own locks and no spool: both would be shared with the archiving of the source. From one repository alone: what another
 * one has would hide what is missing in it.
 */
function restoreCommand({ config }: Wal, { backup }: DrillPlan, folder: ScratchFolder): string {
  const options = [
    ...commonOptions(config),
    `--pg1-path=${folder.data}`,
    `--lock-path=${join(folder.path, "lock")}`,
    `--repo=${backup.repository}`,
    "--no-archive-async",
    "--log-level-file=off",
    "--log-level-console=off",
    "--log-level-stderr=error",
  ];
  return `${config.program} ${options.join(" ")} archive-get %f "%p"`;
}

/** Every table and B-tree index of every database, in their own terms. */
async function checkTables(
  source: DrillSource,
  cluster: ScratchCluster,
  signal: AbortSignal,
): Promise<DrillFindings["amcheck"]> {
  const file = join(source.programs, "pg_amcheck");
  try {
    await access(file);
  } catch {
    return { kind: "skipped", reason: `there is no ${file}: tables and indexes were not checked` };
  }
  const args = ["--all", "--install-missing", "--no-password", "--jobs=2"];
  try {
    await readOutput([{ file, args, env: clientEnvironment(cluster.connection) }], { signal });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failed", reason: messageOf(error) };
  }
}

function secondsSince(from: number): number {
  return Math.round(performance.now() - from) / 1000;
}
