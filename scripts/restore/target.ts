import type { Connection } from "../config.ts";
import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import { isRestoreName } from "../postgres/scratch-name.ts";
import { connect, readServerFacts, type ServerFacts, type Session } from "../postgres/session.ts";
import { hasCode } from "../system/files.ts";

/** The server that is restored to. */
export interface Target {
  connection: Connection;
  facts: ServerFacts;
  /** On a database that is not itself restored: what is renamed must have no sessions. */
  session: Session;
  /** Another session like that one. */
  open(): Promise<Session>;
  close(): Promise<void>;
}

/** Opens the target for databases of these names. Fails as `preflight` where it takes no writes. */
export async function openTarget(connection: Connection, names: readonly string[]): Promise<Target> {
  const { maintenanceDatabase } = connection;
  const database = names.includes(maintenanceDatabase) ? "template1" : maintenanceDatabase;
  const open = () => connect(connection, database);
  const session = await open().catch((error: unknown) => {
    throw isRefusedAccount(error)
      ? new Failure(
          "unreachable",
          `${messageOf(error)}; root restores: start it with sudo, which the account of the timers cannot`,
          { cause: error },
        )
      : error;
  });
  try {
    const facts = await readServerFacts(session);
    if (facts.inRecovery) {
      throw new Failure(
        "preflight",
        "the target is a standby, which takes no writes; restore to its primary",
      );
    }
    return { connection, facts, session, open, close: () => session.close() };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Whether a socket's server does not let this system user be the role: `invalid_authorization_specification`. */
function isRefusedAccount(error: unknown): boolean {
  return error instanceof Error && hasCode(error.cause, "28000");
}

/**
 * Drops what restores that were killed have left. One that is still under way has a session of dbkeeper in its
 * database, which ends with its process, and stays.
 */
export async function removeLeftovers(context: Context, { session }: Target): Promise<void> {
  const databases = await session.rows<{ name: string; busy: boolean }>(
    `select d.datname as name,
            exists (select from pg_stat_activity a where a.datid = d.oid and a.application_name = 'dbkeeper') as busy
       from pg_database d`,
  );
  for (const { name, busy } of databases) {
    if (!isRestoreName(name) || busy) continue;
    await dropRestore(session, name);
    const text = `dropped ${name}, left by a restore that was interrupted`;
    context.report.event("warning", "restore-removed", text, { database: name });
  }
}

/** Drops a database whose restore did not end well, whoever works in it. Refuses any other. */
export async function dropRestore(session: Session, name: string): Promise<void> {
  if (!isRestoreName(name)) throw new Error(`${name} is not an unfinished restore: it stays`);
  // Not FORCE, which came with 13: pg_restore may outlive the process that started it on any version.
  await session.rows("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
  await session.execute(`drop database if exists ${quoteIdentifier(name)}`);
}
