import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { clientEnvironment, connect, oneRow, readServerFacts, type Session } from "../postgres/session.ts";
import { readOutput } from "../system/child.ts";
import { freeBytes } from "../system/space.ts";
import { archiveCurrentSegment } from "./archived.ts";
import { type DrillPlan, planDrill, type TargetChoice } from "./drill-plan.ts";
import { type DrillResult, judgeDrill, recordDrill } from "./drill-result.ts";
import { readInfo } from "./info.ts";
import { commonOptions, pgBackRest, type Wal, walOf } from "./pgbackrest.ts";
import {
  makeScratchFolder,
  removeLeftovers,
  removeScratchFolder,
  type ScratchCluster,
  type ScratchFolder,
  startScratchCluster,
} from "./scratch-cluster.ts";
import {
  ensureSentinels,
  formatMicros,
  judgeRecovery,
  readSentinels,
  type Sentinel,
  serverTime,
  writeSentinel,
} from "./sentinel.ts";

/** What a drill has to know of the source before it restores. */
interface Source {
  plan: DrillPlan;
  rows: Sentinel[];
  programs: string;
  superuser: string;
  inherited: Record<string, string>;
}

/** The outcome as far as it is known before the verdict. */
type Progress = Omit<DrillResult, "verdict" | "reasons" | "finishedAt">;

/**
 * Proves the archive: restores to a time into a scratch cluster and holds what is in it against what was committed by
 * then. Only under the lock. Fails as `preflight` where nothing was tried, as `verification` where the drill failed
 * and as `partial` where a check could not be made.
 */
export async function drill(context: Context, choice: TargetChoice): Promise<DrillResult> {
  const wal = walOf(context);
  const startedAt = context.now();
  for (const name of await prepareDirectory(wal)) {
    const text = `removed ${name}, left by a drill that was killed`;
    context.report.event("warning", "drill-leftover-removed", text, { folder: name });
  }
  const source = await prepareSource(context, wal, choice);
  const { plan } = source;
  const progress: Progress = {
    formatVersion: 1,
    cluster: context.config.cluster.name,
    startedAt: startedAt.toISOString(),
    target: formatMicros(plan.target),
    backup: plan.backup.label,
    backupType: plan.backup.type,
    phases: {},
    rtoSeconds: null,
    rtoObjectiveSeconds: wal.config.drill.rtoSeconds,
    rpoSeconds: null,
    archiveSeconds: null,
    rowsDue: null,
    clusterBytes: plan.backup.clusterBytes,
  };
  const verdict = await inScratchCluster(context, wal, source, progress);
  const result: DrillResult = { ...progress, ...verdict, finishedAt: context.now().toISOString() };
  await recordDrill(wal.config.directory, result);
  conclude(context, result);
  return result;
}

/** What a drill would do, without doing anything. */
export async function previewDrill(context: Context, choice: TargetChoice): Promise<DrillPlan> {
  const wal = walOf(context);
  const session = await connect(wal.connection, wal.connection.maintenanceDatabase);
  try {
    const { backups } = await readInfo(wal.config, context.signal);
    return planDrill(choice, backups, await serverTime(session));
  } finally {
    await session.close();
  }
}

async function prepareDirectory({ config }: Wal): Promise<string[]> {
  const { directory } = config.drill;
  if (process.getuid?.() === 0) {
    throw new Failure(
      "preflight",
      "PostgreSQL refuses to run as root; run the drill as the owner of the data directory, usually postgres",
    );
  }
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory()) return await removeLeftovers(directory);
  throw new Failure(
    "preflight",
    `${directory} (wal.drill.directory) does not exist; make it, or mount its disk`,
  );
}

/** Writes the sentinel rows around the target. */
async function prepareSource(context: Context, wal: Wal, choice: TargetChoice): Promise<Source> {
  const { config, connection } = wal;
  const session = await connect(connection, connection.maintenanceDatabase);
  try {
    const facts = await readServerFacts(session);
    if (facts.inRecovery) {
      throw new Failure("preflight", "a standby takes no sentinel rows; run the drill on the primary's host");
    }
    const { backups } = await readInfo(config, context.signal);
    // Refused before anything is written.
    const first = planDrill(choice, backups, await serverTime(session));
    await requireSpace(context, wal, first);
    const programs = context.config.cluster.binDirectory ?? `/usr/lib/postgresql/${facts.major}/bin`;
    await access(join(programs, "postgres")).catch(() => {
      throw new Failure("preflight", `there is no ${programs}/postgres; set cluster.binDirectory`);
    });
    await ensureSentinels(session, connection.role);
    await writeSentinel(session);
    // The second one shows that the first was committed.
    const now = await writeSentinel(session);
    const plan = choice.kind === "now" ? planDrill(choice, backups, now) : first;
    // Recovery finds its end by a commit that is later than the target.
    await writeSentinel(session);
    return {
      plan,
      rows: await readSentinels(session),
      programs,
      superuser: await superuserOf(session),
      inherited: await recoverySettings(session),
    };
  } finally {
    await session.close();
  }
}

/** The role that made the cluster: it is in every restored one, whatever other roles were made when. */
async function superuserOf(session: Session): Promise<string> {
  const sql = "select rolname as name from pg_roles where oid = 10";
  return (await oneRow<{ name: string }>(session, sql)).name;
}

/** Recovery fails where these are lower than they were when the WAL was written. */
async function recoverySettings(session: Session): Promise<Record<string, string>> {
  const rows = await session.rows<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name in ('max_connections', 'max_worker_processes', 'max_prepared_transactions', 'max_locks_per_transaction')",
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

async function requireSpace(context: Context, { config }: Wal, { backup }: DrillPlan): Promise<void> {
  const { directory } = config.drill;
  const free = await freeBytes(directory);
  // A tenth for the WAL that is replayed and what it changes.
  const needed = Math.ceil(backup.clusterBytes * 1.1) + context.config.minimumFreeBytes;
  if (free >= needed) return;
  throw new Failure(
    "preflight",
    `${directory} has ${formatBytes(free)} free, but a drill with ${backup.label} needs ${formatBytes(needed)} (with minimumFreeBytes); make room or set wal.drill.directory`,
  );
}

async function inScratchCluster(
  context: Context,
  wal: Wal,
  source: Source,
  progress: Progress,
): Promise<Pick<DrillResult, "verdict" | "reasons">> {
  const { report, signal } = context;
  const folder = await makeScratchFolder(wal.config.drill.directory);
  let cluster: ScratchCluster | undefined;
  let phase = "restore";
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    phase = name;
    const from = performance.now();
    try {
      return await work();
    } finally {
      const seconds = rounded((performance.now() - from) / 1000);
      progress.phases[name] = seconds;
      report.event("info", "drill-phase", `${name}: ${formatSeconds(seconds)}`, { phase: name, seconds });
    }
  };
  try {
    progress.archiveSeconds = await timed("archive", () => archiveAll(wal, signal));
    const begun = performance.now();
    await timed("restore", () => restore(wal, source.plan, folder, signal));
    const session = await timed("recover", async () => {
      cluster = await startScratchCluster({
        folder,
        program: join(source.programs, "postgres"),
        restoreCommand: restoreCommand(wal, folder),
        inherited: source.inherited,
        superuser: source.superuser,
        maintenanceDatabase: wal.connection.maintenanceDatabase,
      });
      return await cluster.recovered(wal.config.drill.deadlineSeconds, signal);
    });
    const proof = await timed("compare", async () => {
      try {
        return judgeRecovery(source.rows, await readSentinels(session), source.plan.target);
      } finally {
        await session.close();
      }
    });
    const amcheck = await timed("amcheck", () => checkIndexes(source, cluster, signal));
    const rtoSeconds = rounded((performance.now() - begun) / 1000);
    progress.rtoSeconds = rtoSeconds;
    progress.rowsDue = proof.due;
    progress.rpoSeconds = proof.newestAt === null ? null : (source.plan.target - proof.newestAt) / 1_000_000;
    return judgeDrill({ proof, amcheck, rtoSeconds, rtoObjectiveSeconds: progress.rtoObjectiveSeconds });
  } catch (error) {
    signal.throwIfAborted();
    return { verdict: "fail", reasons: [`${phase}: ${messageOf(error)}`] };
  } finally {
    await cluster?.stop();
    await removeScratchFolder(folder.path);
  }
}

async function archiveAll({ config, connection }: Wal, signal: AbortSignal): Promise<number> {
  const session = await connect(connection, connection.maintenanceDatabase);
  try {
    return await archiveCurrentSegment(session, config.archiveWaitSeconds, signal);
  } finally {
    await session.close();
  }
}

async function restore(wal: Wal, plan: DrillPlan, folder: ScratchFolder, signal: AbortSignal): Promise<void> {
  const options = [
    `--pg1-path=${folder.data}`,
    // Without it a tablespace would be restored to where the source has it.
    `--tablespace-map-all=${folder.tablespaces}`,
    `--repo=${plan.backup.repository}`,
    `--set=${plan.backup.label}`,
    "--type=time",
    `--target=${formatMicros(plan.target)}`,
    "--target-action=promote",
    "--archive-mode=off",
    `--process-max=${wal.config.drill.processes}`,
    `--lock-path=${join(folder.path, "lock")}`,
  ];
  await pgBackRest(wal.config, "restore", options, signal);
}

/** Own locks and no spool: both would be shared with the archiving of the source. */
function restoreCommand({ config }: Wal, folder: ScratchFolder): string {
  const options = [
    ...commonOptions(config),
    `--pg1-path=${folder.data}`,
    `--lock-path=${join(folder.path, "lock")}`,
    "--no-archive-async",
    "--log-level-file=off",
    "--log-level-console=off",
    "--log-level-stderr=error",
  ];
  return `${config.program} ${options.join(" ")} archive-get %f "%p"`;
}

async function checkIndexes(source: Source, cluster: ScratchCluster | undefined, signal: AbortSignal) {
  if (cluster === undefined) throw new Error("there is no server to check");
  const file = join(source.programs, "pg_amcheck");
  const missing = await access(file).then(
    () => false,
    () => true,
  );
  if (missing) return { kind: "skipped" as const, reason: `there is no ${file}: indexes were not checked` };
  const args = ["--all", "--install-missing", "--no-password", "--jobs=2"];
  try {
    await readOutput([{ file, args, env: clientEnvironment(cluster.connection) }], { signal });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failed" as const, reason: messageOf(error) };
  }
}

function conclude({ report }: Context, result: DrillResult): void {
  const { verdict, reasons, target, backup, rtoSeconds, rpoSeconds, rowsDue } = result;
  const facts = { verdict, target, backup, rtoSeconds, rpoSeconds, rowsDue, reasons };
  if (verdict === "pass") {
    const text = `recovered to ${target} from ${backup} in ${formatSeconds(rtoSeconds ?? 0)}: all ${rowsDue} rows of then, none of later`;
    report.event("info", "drill-passed", text, facts);
    return;
  }
  const text = `the drill to ${target} from ${backup} ${verdict === "fail" ? "failed" : "is not complete"}: ${reasons.join("; ")}`;
  report.event(verdict === "fail" ? "error" : "warning", `drill-${verdict}`, text, facts);
  throw new Failure(verdict === "fail" ? "verification" : "partial", text);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
