import { type Context, requireNoBackup } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { listDatabases, selectDatabases } from "../postgres/databases.ts";
import { connect, readServerFacts, type Session } from "../postgres/session.ts";
import { readBloat } from "./bloat.ts";
import { readFigures } from "./figures.ts";
import { planIndexes, planTables, type Wish } from "./plan.ts";
import { type Bloat, type MaintenanceState, type WorkResult, writeMaintenance } from "./result.ts";
import { readRights } from "./tables.ts";
import { describeItem, perform, type Work } from "./work.ts";

/** What the command line asks for. */
export interface MaintainWish extends Wish {
  dryRun: boolean;
  windowMinutes: number;
}

type Results = Pick<MaintenanceState, "results" | "figures" | "bloat" | "failed">;

/** When to start nothing more. */
interface Stop {
  signal: AbortSignal;
  /** Why to start nothing more; `undefined` while work may go on. */
  reason(): string | undefined;
}

/**
 * Does what the databases need and keeps the results. Runs beside nothing that makes backups: it refuses as `busy`
 * while one is made, and ends within seconds when one begins, which does not wait for it. Fails as `partial` where
 * something could not be done.
 */
export async function maintain(context: Context, wish: MaintainWish): Promise<void> {
  const { config, report } = context;
  await requireNoBackup(context);
  const names = await databasesOf(context);
  if (names === undefined) {
    const text = "nothing to do: this server is a standby, and what is done on its primary reaches it";
    report.event("info", "maintenance-skipped", text);
    return;
  }
  const startedAt = context.now();
  const backup = watchForBackup(context);
  const deadline = startedAt.getTime() + wish.windowMinutes * 60_000;
  const stop: Stop = {
    signal: AbortSignal.any([context.signal, backup.signal]),
    reason: () => {
      if (backup.signal.aborted) return "a backup has begun";
      return context.now().getTime() >= deadline
        ? `the window of ${wish.windowMinutes} minutes has ended`
        : undefined;
    },
  };
  const found: Results = {
    results: [],
    figures: [],
    bloat: wish.tasks.includes("bloat") ? [] : null,
    failed: [],
  };
  try {
    for (const name of names) {
      const reason = stop.reason();
      if (reason !== undefined) {
        const text = `left ${JSON.stringify(name)} for the next time: ${reason}`;
        report.event("warning", "database-left-out", text, { database: name, reason });
        continue;
      }
      await maintainDatabase(context, name, wish, stop, found);
    }
  } finally {
    backup.end();
  }
  context.signal.throwIfAborted();
  if (wish.dryRun) return;
  const gaveWay = backup.signal.aborted;
  if (gaveWay) report.event("warning", "maintenance-gave-way", "ended early: a backup has begun");
  await writeMaintenance(config, {
    formatVersion: 1,
    tasks: [...wish.tasks],
    startedAt: startedAt.toISOString(),
    finishedAt: context.now().toISOString(),
    gaveWay,
    ...found,
    bloat: found.bloat?.toSorted((a, b) => b.bloatBytes - a.bloatBytes) ?? null,
  });
  conclude(context, found);
}

/** The databases that backups take, as far as they are there; `undefined` on a standby, which cannot be changed. */
async function databasesOf(context: Context): Promise<string[] | undefined> {
  const { databases } = context.config;
  const server = serverOf(context);
  const session = await connect(server, server.maintenanceDatabase);
  try {
    const { inRecovery } = await readServerFacts(session);
    if (inRecovery) return undefined;
    const { chosen, failed } = selectDatabases(await listDatabases(session), databases);
    for (const { name, reason } of failed) {
      context.report.event("warning", "database-skipped", `left out ${JSON.stringify(name)}: ${reason}`, {
        database: name,
        reason,
      });
    }
    return chosen.map(({ name }) => name);
  } finally {
    await session.close();
  }
}

function serverOf({ config: { cluster, maintain } }: Context) {
  return { ...cluster, role: maintain.role ?? cluster.role };
}

async function maintainDatabase(
  context: Context,
  database: string,
  wish: MaintainWish,
  stop: Stop,
  found: Results,
): Promise<void> {
  const { config, report } = context;
  let session: Session | undefined;
  try {
    session = await connect(serverOf(context), database);
    await session.execute(`set lock_timeout = '${config.maintain.lockTimeoutSeconds}s'`);
    const place = { session, database, rights: await readRights(session) };
    const means = { wish, stop, found };
    for (const work of await planTables(place, wish, config.maintain)) {
      await one(context, session, work, means);
    }
    // With the statistics that were gathered just now.
    const indexes = await planIndexes(place, wish, config.maintain, stop.signal);
    for (const name of indexes.invalid) {
      const text = `index ${name} in ${JSON.stringify(database)} is invalid: nothing uses it; REINDEX INDEX CONCURRENTLY or drop it`;
      report.event("warning", "invalid-index", text, { database, index: name });
    }
    for (const work of indexes.work) await one(context, session, work, means);
    if (stop.reason() === undefined) found.figures.push(await readFigures(session));
    if (found.bloat === null || stop.reason() !== undefined) return;
    const bloat = await readBloat(session, database, place.rights, ["table", "index"], stop.signal);
    for (const entry of bloat) tellBloat(context, entry);
    found.bloat.push(...bloat);
  } catch (error) {
    if (stop.signal.aborted) return;
    const reason = messageOf(error);
    found.failed.push({ database, reason });
    const text = `cannot maintain ${JSON.stringify(database)}: ${reason}`;
    report.event("error", "maintenance-failed", text, { database, reason });
  } finally {
    await session?.close();
  }
}

async function one(
  context: Context,
  session: Session,
  work: Work,
  { wish, stop, found }: { wish: MaintainWish; stop: Stop; found: Results },
): Promise<void> {
  context.signal.throwIfAborted();
  if (!wish.dryRun) {
    found.results.push(await perform(context, session, work, stop));
    return;
  }
  const permitted = work.statement === undefined ? ", but the role may not" : "";
  context.report.event("info", "maintenance-planned", `would do: ${describeItem(work.item)}${permitted}`, {
    ...work.item,
    permitted: work.statement !== undefined,
  });
}

function tellBloat({ report }: Context, bloat: Bloat): void {
  const { bloatBytes, bytes, database, kind, method, name, schema } = bloat;
  const share = bytes === 0 ? 0 : Math.round((bloatBytes / bytes) * 100);
  const text = `${kind} ${schema}.${name} in ${JSON.stringify(database)}: ${formatBytes(bloatBytes)} of ${formatBytes(bytes)} is bloat (${share} %, ${method})`;
  report.event("info", "bloat", text, { database, schema, name, kind, bytes, bloatBytes, method });
}

/** A signal that fires when a command that makes backups has taken the cluster's lock. Looks once a second. */
function watchForBackup(context: Context): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const timer = setInterval(() => {
    requireNoBackup(context).catch((error: unknown) => controller.abort(error));
  }, 1000);
  return { signal: controller.signal, end: () => clearInterval(timer) };
}

function conclude({ report }: Context, { results, failed }: Results): void {
  const count = (...outcomes: WorkResult["outcome"][]) =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const seconds = results.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
  const done = count("done");
  const leftOut = count("left-out");
  const undone = count("locked", "not-permitted", "failed");
  const text = `${done} pieces of work done in ${formatSeconds(seconds)}, ${undone} not done, ${leftOut} left for the next time`;
  report.event("info", "maintenance-finished", text, { done, undone, leftOut });
  if (undone === 0 && failed.length === 0) return;
  const parts = [
    ...(undone === 0 ? [] : [`${undone} pieces of work were not done`]),
    ...(failed.length === 0 ? [] : [`${failed.length} databases could not be worked on`]),
  ];
  throw new Failure("partial", `${parts.join(" and ")}; each is named above, everything else is done`);
}
