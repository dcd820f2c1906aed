import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { Failure } from "../exit-codes.ts";
import { connect, oneRow, readServerFacts, type Session } from "../postgres/session.ts";
import { freeBytes } from "../system/space.ts";
import { type DrillPlan, inTurn, planDrill, type TargetChoice } from "./drill-plan.ts";
import { readHistory } from "./drill-result.ts";
import { type Backup, type Info, readInfo, requireRepository } from "./info.ts";
import { type Wal, walOf } from "./pgbackrest.ts";
import { removeLeftovers } from "./scratch-cluster.ts";
import { ensureSentinels, readSentinels, type Sentinel, serverTime, writeSentinel } from "./sentinel.ts";

/** What a drill has to know of the source before it restores. */
export interface DrillSource {
  /** One for each time to recover to. */
  plans: DrillPlan[];
  rows: Sentinel[];
  /** Folder of the server's programs. */
  programs: string;
  /** Name of the role that made the cluster: every restored one has it, whatever other roles were made when. */
  superuser: string;
  /** Settings that must not be lower than they were when the WAL was written. */
  inherited: Record<string, string>;
}

/** What a drill would do, without doing anything. */
export async function previewDrill(context: Context, choice: TargetChoice): Promise<DrillPlan[]> {
  const { config, connection } = walOf(context);
  const session = await connect(connection, connection.maintenanceDatabase);
  try {
    const backups = await nextBackups(context, choice, await readInfo(config, context.signal));
    return planDrill(choice, backups, await serverTime(session));
  } finally {
    await session.close();
  }
}

async function nextBackups(
  context: Context,
  choice: TargetChoice,
  { backups }: Info,
): Promise<readonly Backup[]> {
  const { cluster } = context.config;
  const drills = await readHistory(walOf(context).config.directory, cluster.name);
  return inTurn(choice, backups, (repository) => {
    const last = drills.findLast((one) => one.verdict === "pass" && one.repository === repository);
    return last === undefined ? undefined : Date.parse(last.finishedAt);
  });
}

/** Clears up after drills that were killed. Fails as `preflight` where no scratch cluster can be made. */
export async function prepareDirectory({ report }: Context, { config }: Wal): Promise<void> {
  const { directory } = config.drill;
  if (process.getuid?.() === 0) {
    throw new Failure(
      "preflight",
      "PostgreSQL refuses to run as root; run the drill as the owner of the data directory, usually postgres",
    );
  }
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new Failure(
      "preflight",
      `${directory} (wal.drill.directory) does not exist; make it, or mount its disk`,
    );
  }
  for (const name of await removeLeftovers(directory)) {
    const text = `removed ${name}, left by a drill that was killed`;
    report.event("warning", "drill-leftover-removed", text, { folder: name });
  }
}

/** Refuses what cannot be recovered, then writes the sentinel rows around the target. */
export async function prepareSource(context: Context, wal: Wal, choice: TargetChoice): Promise<DrillSource> {
  const { config, connection } = wal;
  const session = await connect(connection, connection.maintenanceDatabase);
  try {
    const facts = await readServerFacts(session);
    if (facts.inRecovery) {
      throw new Failure("preflight", "a standby takes no sentinel rows; run the drill on the primary's host");
    }
    const programs = context.config.cluster.binDirectory ?? `/usr/lib/postgresql/${facts.major}/bin`;
    await access(join(programs, "postgres")).catch(() => {
      throw new Failure("preflight", `there is no ${programs}/postgres; set cluster.binDirectory`);
    });
    const info = await readInfo(config, context.signal);
    requireRepository(info, config.stanza);
    const backups = await nextBackups(context, choice, info);
    const first = planDrill(choice, backups, await serverTime(session));
    await requireSpace(context, wal, first);
    await ensureSentinels(session, connection.role);
    await writeSentinel(session);
    // The second one shows that the first was committed.
    const now = await writeSentinel(session);
    const plans = choice.kind === "now" ? planDrill(choice, backups, now) : first;
    // Recovery finds its end by a commit that is later than the target.
    await writeSentinel(session);
    return {
      plans,
      rows: await readSentinels(session),
      programs,
      superuser: await superuserOf(session),
      inherited: await recoverySettings(session),
    };
  } finally {
    await session.close();
  }
}

async function superuserOf(session: Session): Promise<string> {
  const sql = "select rolname as name from pg_roles where oid = 10";
  return (await oneRow<{ name: string }>(session, sql)).name;
}

async function recoverySettings(session: Session): Promise<Record<string, string>> {
  const rows = await session.rows<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name in ('max_connections', 'max_worker_processes', 'max_prepared_transactions', 'max_locks_per_transaction')",
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

async function requireSpace(context: Context, { config }: Wal, plans: readonly DrillPlan[]): Promise<void> {
  const { directory } = config.drill;
  const free = await freeBytes(directory);
  const largest = Math.max(...plans.map(({ backup }) => backup.clusterBytes));
  // A tenth for the WAL that is replayed and what it changes.
  const needed = Math.ceil(largest * 1.1) + context.config.minimumFreeBytes;
  if (free >= needed) return;
  throw new Failure(
    "preflight",
    `${directory} has ${formatBytes(free)} free, but a drill needs ${formatBytes(needed)} (with minimumFreeBytes); make room or set wal.drill.directory`,
  );
}
