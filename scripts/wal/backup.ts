import type { Context } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { connect } from "../postgres/session.ts";
import type { WalConfig } from "./config.ts";
import { type Backup, readInfo } from "./info.ts";
import { pgBackRest, walOf } from "./pgbackrest.ts";
import { leaveSentinels } from "./sentinel.ts";

/** The types of physical backups. */
export const backupTypes = ["full", "diff", "incr"] as const;
type BackupType = Backup["type"];

/**
 * The type that is due: a full one when there is none or the newest is as old as the site allows, else a
 * differential one likewise, else an incremental one. An hour less than a whole day counts, so that a timer's random
 * delay does not put a backup off by a day.
 */
export function chooseType(
  backups: readonly Pick<Backup, "type" | "stoppedAt">[],
  { fullEveryDays, diffEveryDays }: WalConfig["backup"],
  now: Date,
): BackupType {
  const daysSince = (types: readonly BackupType[]) => {
    const newest = Math.max(
      ...backups.filter(({ type }) => types.includes(type)).map(({ stoppedAt }) => stoppedAt),
    );
    return (now.getTime() / 1000 - newest + 3600) / 86_400;
  };
  if (daysSince(["full"]) >= fullEveryDays) return "full";
  return daysSince(["full", "diff"]) >= diffEveryDays ? "diff" : "incr";
}

/** A backup that is due, or wished for, in a repository. */
interface Due {
  repository: number;
  type: BackupType;
}

/**
 * Takes a physical backup into each repository, after leaving rows that every drill from it has to find; pgBackRest
 * removes afterwards what its retention does not keep. The stanza is made where it is missing, as on a standby that was
 * promoted. A repository that fails does not keep the others from theirs.
 */
export async function backup(context: Context, wanted: BackupType | undefined): Promise<void> {
  const { config, connection } = walOf(context);
  const { signal, report } = context;
  try {
    const session = await connect(connection, connection.maintenanceDatabase);
    await leaveSentinels(session, connection.role).finally(() => session.close());
  } catch (error) {
    // A backup without them is better than none.
    report.event("warning", "wal-no-sentinel", messageOf(error));
  }
  const failures: unknown[] = [];
  const attempt = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      signal.throwIfAborted();
      failures.push(error);
    });
  if (await lacksStanza(config, signal)) await attempt(setUp(context));
  for (const due of await dueBackups(context, wanted)) await attempt(backupInto(context, due));
  const [first] = failures;
  if (failures.length === 1) throw first;
  if (failures.length > 1) throw new Failure(kindOf(first), failures.map(messageOf).join("; "));
}

async function backupInto(context: Context, due: Due): Promise<void> {
  const { config } = walOf(context);
  const { signal, report } = context;
  const { repository, type } = due;
  const into = `repository ${repository}`;
  const starting = `taking a ${type} backup of stanza ${config.stanza} into ${into}`;
  report.event("info", "wal-backup-started", starting, { ...due });
  const startedAt = performance.now();
  await pgBackRest(config, "backup", [`--type=${type}`, `--repo=${repository}`], signal);
  const durationSeconds = (performance.now() - startedAt) / 1000;
  const { backups } = await readInfo(config, signal);
  const taken = backups.findLast((one) => one.repository === repository);
  if (taken === undefined)
    throw new Failure("verification", `pgBackRest took a backup into ${into} that it does not list`);
  const { label, repositoryBytes } = taken;
  const text = `took ${label} into ${into}: ${formatBytes(repositoryBytes)} in ${formatSeconds(durationSeconds)}`;
  report.event("info", "wal-backup-finished", text, {
    label,
    repository,
    // Without a full one to build on, pgBackRest takes a full one.
    type: taken.type,
    repositoryBytes,
    durationSeconds,
  });
  if (taken.pageErrors) {
    throw new Failure(
      "verification",
      `${label} holds pages with a wrong checksum: the source's disk is damaged; pgBackRest's log names the files`,
    );
  }
}

/** The types that {@link backup} takes, into each repository that pgBackRest is configured for. */
export async function dueBackups(context: Context, wanted?: BackupType): Promise<Due[]> {
  const { config } = walOf(context);
  const { backups, repositories } = await readInfo(config, context.signal);
  return repositories.map(({ repository }) => {
    const own = backups.filter((one) => one.repository === repository);
    return { repository, type: wanted ?? chooseType(own, config.backup, context.now()) };
  });
}

/** Whether a repository that can be read lacks the stanza (1), or its parts (3), in pgBackRest's own numbers. */
async function lacksStanza(wal: WalConfig, signal: AbortSignal): Promise<boolean> {
  try {
    const { repositories } = await readInfo(wal, signal);
    return repositories.some(({ status: { code } }) => code === 1 || code === 3);
  } catch (error) {
    if (kindOf(error) === "preflight") return true;
    throw error;
  }
}

/** Removes what the retention in pgBackRest's configuration does not keep. */
export async function expire(context: Context, dryRun: boolean): Promise<void> {
  const { config } = walOf(context);
  const labels = async () => (await readInfo(config, context.signal)).backups.map(({ label }) => label);
  const before = await labels();
  await pgBackRest(config, "expire", dryRun ? ["--dry-run"] : [], context.signal);
  const after = new Set(await labels());
  const removed = before.filter((label) => !after.has(label));
  const text = removed.length === 0 ? "no backup was removed" : `removed ${removed.join(", ")}`;
  context.report.event("info", "wal-expired", text, { removed, dryRun });
}

/** Makes the stanza where it is missing; does nothing where it is there. */
export async function setUp(context: Context): Promise<void> {
  const { config } = walOf(context);
  // Where it is there pgBackRest would still want its locks, which a check or a backup holds for long.
  if (await lacksStanza(config, context.signal)) {
    await pgBackRest(config, "stanza-create", [], context.signal);
  }
  context.report.event("info", "wal-stanza-ready", `stanza ${config.stanza} is ready`, {
    stanza: config.stanza,
  });
}
