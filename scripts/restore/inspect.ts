import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { archiveOf, readArchive } from "../postgres/archive-file.ts";
import { listDatabases } from "../postgres/databases.ts";
import type { Session } from "../postgres/session.ts";
import { type Statement, splitStatements } from "../postgres/statements.ts";
import { findClientTools } from "../postgres/tools.ts";
import { type DatabaseEntry, isValidated } from "../runs/manifest.ts";
import { findRun, listRuns, type Run } from "../runs/runs.ts";
import { readOutput } from "../system/child.ts";
import { freeBytes } from "../system/space.ts";
import { checkFile } from "../validate/files.ts";
import { readGlobals } from "./globals.ts";
import {
  chooseEntries,
  localeKey,
  planRestore,
  type RestorePlan,
  type RestoreWish,
  type TargetState,
} from "./plan.ts";
import { rolesCreatedBy, rolesIn, tablespacesCreatedBy, tablespacesIn } from "./script.ts";
import type { Target } from "./target.ts";

/** Everything that is known before anything is changed. */
export interface Inspection {
  run: Run;
  plan: RestorePlan;
  pgRestore: string;
  /** What `pg_restore --create --schema-only` writes for each database of the run that is wanted. */
  scripts: ReadonlyMap<string, readonly Statement[]>;
  globals: readonly Statement[];
}

/** Looks at the run and at the target. Changes nothing; what speaks against the restore is in the plan. */
export async function inspect(
  context: Context,
  target: Target,
  wish: RestoreWish,
  runId?: string,
): Promise<Inspection> {
  const { config, signal } = context;
  const run = await findRun(config.directory, config.cluster.name, runId);
  const { clientVersion } = run.manifest;
  const major = Math.max(Number.parseInt(clientVersion, 10), target.facts.major);
  const { pgRestore } = await findClientTools(config, major, signal);
  const { entries } = chooseEntries(run.manifest, wish);
  const scripts = new Map<string, readonly Statement[]>();
  for (const entry of entries) scripts.set(entry.name, await readScript(context, run, entry, pgRestore));
  const globals = wish.globals ? await readGlobals(context, run) : [];
  const items = entries.map((entry) => {
    const script = scripts.get(entry.name) ?? [];
    const name = wish.as ?? entry.name;
    return { entry, name, roles: rolesIn(script), tablespaces: tablespacesIn(script) };
  });
  const plan = planRestore(run, wish, items, await readTargetState(target), {
    minimumFreeBytes: config.minimumFreeBytes,
    createdRoles: rolesCreatedBy(globals),
    createdTablespaces: tablespacesCreatedBy(globals),
    newestProven: (await listRuns(config.directory, config.cluster.name)).runs.findLast(({ manifest }) =>
      isValidated(manifest),
    )?.id,
  });
  return { run, plan, pgRestore, scripts, globals };
}

async function readScript(
  { config, signal }: Context,
  run: Run,
  entry: DatabaseEntry,
  pgRestore: string,
): Promise<readonly Statement[]> {
  const archive = await archiveOf(run, entry, pgRestore, config);
  try {
    const args = ["--create", "--schema-only", "--file=-"];
    return splitStatements(await readArchive(archive, args, readOutput, { signal, readsOnlyTheStart: true }));
  } catch (error) {
    signal.throwIfAborted();
    // What is wrong with a file says more than what pg_restore makes of it.
    for (const file of entry.files) await checkFile(run.folder, file, signal);
    throw new Failure(
      "verification",
      `cannot read the dump of ${JSON.stringify(entry.name)}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function readTargetState({ connection, facts, session }: Target): Promise<TargetState> {
  const names = async (sql: string) => (await session.rows<{ name: string }>(sql)).map(({ name }) => name);
  const sessions = await session.rows<{ name: string; sessions: number }>(
    "select datname as name, count(*)::int as sessions from pg_stat_activity where datname is not null group by 1",
  );
  const listed = await listDatabases(session);
  return {
    major: facts.major,
    superuser: facts.superuser,
    role: connection.role,
    databases: listed.map(({ name, bytes }) => ({
      name,
      bytes,
      sessions: sessions.find((row) => row.name === name)?.sessions ?? 0,
    })),
    roles: await names("select rolname as name from pg_roles"),
    tablespaces: await names("select spcname as name from pg_tablespace"),
    extensions: await names("select name from pg_available_extensions"),
    freeBytes: connection.network === undefined ? await freeOf(session) : null,
    collationVersions: new Map(
      listed.map(({ locale }) => [localeKey(locale), locale.collationVersion?.actual ?? null]),
    ),
  };
}

async function freeOf(session: Session): Promise<number | null> {
  const [row] = await session.rows<{ path: string }>(
    "select setting as path from pg_settings where name = 'data_directory'",
  );
  return row === undefined ? null : await freeBytes(row.path);
}
