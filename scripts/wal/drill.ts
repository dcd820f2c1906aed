import type { Context } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { connect } from "../postgres/session.ts";
import { freeBytes } from "../system/space.ts";
import { archiveCurrentSegment } from "./archived.ts";
import type { DrillPlan, TargetChoice } from "./drill-plan.ts";
import { type Progress, recoverAndJudge, timed } from "./drill-recover.ts";
import { type DrillResult, recordDrill } from "./drill-result.ts";
import { type DrillSource, prepareDirectory, prepareSource } from "./drill-source.ts";
import { type Wal, walOf } from "./pgbackrest.ts";
import { makeScratchFolder, removeScratchFolder, type ScratchFolder } from "./scratch-cluster.ts";
import { formatMicros } from "./sentinel.ts";

/**
 * Proves the archive: restores to each target into a scratch cluster and holds what is in it against what was
 * committed by then. Only under the lock. Fails as `preflight` where nothing was tried, as `verification` where a
 * target failed and as `partial` where a check could not be made; each target is in the history by then.
 */
export async function drill(context: Context, choice: TargetChoice): Promise<void> {
  const wal = walOf(context);
  await prepareDirectory(context, wal);
  const source = await prepareSource(context, wal, choice);
  const folder = await makeScratchFolder(wal.config.drill.directory);
  const results: DrillResult[] = [];
  try {
    for (const plan of source.plans) {
      const result = await drillOne(context, wal, source, plan, folder);
      await recordDrill(wal.config.directory, result);
      tell(context, result);
      results.push(result);
    }
  } finally {
    await removeScratchFolder(folder.path);
  }
  const bad = results.find(({ verdict }) => verdict === "fail");
  const worst = bad ?? results.find(({ verdict }) => verdict === "partial");
  if (worst === undefined) return;
  throw new Failure(worst.verdict === "fail" ? "verification" : "partial", describe(worst));
}

async function drillOne(
  context: Context,
  wal: Wal,
  source: DrillSource,
  plan: DrillPlan,
  folder: ScratchFolder,
): Promise<DrillResult> {
  const progress: Progress = {
    formatVersion: 1,
    cluster: context.config.cluster.name,
    startedAt: context.now().toISOString(),
    target: formatMicros(plan.target),
    backup: plan.backup.label,
    backupType: plan.backup.type,
    repository: plan.backup.repository,
    phases: {},
    rtoSeconds: null,
    rtoObjectiveSeconds: wal.config.drill.rtoSeconds,
    rpoSeconds: null,
    rpoObjectiveSeconds: wal.config.drill.rpoSeconds,
    archiveSeconds: null,
    rowsDue: null,
    clusterBytes: plan.backup.clusterBytes,
  };
  const finish = (verdict: DrillResult["verdict"], reasons: string[]): DrillResult => ({
    ...progress,
    verdict,
    reasons,
    finishedAt: context.now().toISOString(),
  });
  try {
    if (plan === source.plans[0]) {
      progress.archiveSeconds = await timed(context, progress, "archive", () => archiveAll(context, wal));
    }
    const { verdict, reasons } = await recoverAndJudge(context, wal, source, plan, folder, progress);
    return finish(verdict, reasons);
  } catch (error) {
    context.signal.throwIfAborted();
    // pgBackRest does not always say that the disk was full.
    const free = formatBytes(await freeBytes(folder.path));
    const phase = Object.keys(progress.phases).at(-1) ?? "start";
    return finish("fail", [`${phase}: ${messageOf(error)}`, `${free} were free in ${folder.path}`]);
  }
}

async function archiveAll({ signal }: Context, { config, connection }: Wal): Promise<number> {
  const session = await connect(connection, connection.maintenanceDatabase);
  try {
    return await archiveCurrentSegment(session, config.archiveWaitSeconds, signal);
  } finally {
    await session.close();
  }
}

function tell({ report }: Context, result: DrillResult): void {
  const { verdict, reasons, target, backup, repository, rtoSeconds, rpoSeconds, rowsDue } = result;
  const { rtoObjectiveSeconds, rpoObjectiveSeconds } = result;
  const level = { pass: "info", partial: "warning", fail: "error" } as const;
  const objectives = { rtoObjectiveSeconds, rpoObjectiveSeconds };
  const facts = { verdict, target, backup, repository, rtoSeconds, rpoSeconds, rowsDue, reasons };
  report.event(level[verdict], `drill-${verdict}`, describe(result), { ...facts, ...objectives });
}

function describe(result: DrillResult): string {
  const { verdict, reasons, target, backup, repository, rowsDue } = result;
  if (verdict === "pass") {
    const held = (actual: number | null, objective: number | null) =>
      `${formatSeconds(actual ?? 0)} (objective ${formatSeconds(objective ?? 0)})`;
    const objectives = `RTO ${held(result.rtoSeconds, result.rtoObjectiveSeconds)}, RPO ${held(result.rpoSeconds, result.rpoObjectiveSeconds)}`;
    return `recovered to ${target} from ${backup} in repository ${repository}: all ${rowsDue} rows of then, none of later; ${objectives}`;
  }
  const how = verdict === "fail" ? "failed" : "is not complete";
  return `the drill to ${target} from ${backup} ${how}: ${reasons.join("; ")}`;
}
