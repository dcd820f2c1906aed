import type { Connection } from "../config.ts";
import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import type { DatabaseEntry } from "../runs/manifest.ts";
import { freeBytes } from "../system/space.ts";
import { findTemplate } from "./databases.ts";
import { quoteIdentifier, quoteLiteral } from "./quote.ts";
import { isSameAddress, readIdentifier, requireOtherServer } from "./scratch-identity.ts";
import { isScratchName, newScratchName, scratchTemplate } from "./scratch-name.ts";
import { connect, oneRow, readServerFacts, type ServerFacts, type Session } from "./session.ts";

/** A server that scratch databases can be made on. */
export interface ScratchServer {
  connection: Connection;
  facts: ServerFacts;
  session: Session;
  /** Drops databases: each drop waits for a checkpoint, during which others can be made. */
  dropSession: Session;
  /** Extensions of this server that only a superuser may create. */
  untrustedExtensions: ReadonlySet<string>;
  /** When it was started: another time later means that it was restarted meanwhile. */
  startedAt: string;
  close(): Promise<void>;
}

/** A scratch database that is there. */
export interface ScratchDatabase {
  name: string;
  /** A session on it, open until it is dropped. */
  session: Session;
}

/**
 * Opens the server for scratch restores and drops what an earlier command that crashed left on it. Only under
 * the cluster's lock. Fails as `preflight` where no database can be created there, or where it may be the source
 * under another address (see {@link requireOtherServer}).
 */
export async function openScratchServer(
  context: Context,
  source: { systemIdentifier: string | null },
): Promise<ScratchServer> {
  const { config, report } = context;
  const connection = config.restoreInto ?? config.cluster;
  const session = await connect(connection, connection.maintenanceDatabase);
  try {
    const facts = await readServerFacts(session);
    if (!(await isSameAddress(connection, config.cluster))) {
      const sources = [source.systemIdentifier, await readIdentifier(config.cluster)];
      requireOtherServer(connection.socketDirectory, facts.systemIdentifier, sources);
    }
    if (facts.inRecovery) {
      throw new Failure(
        "preflight",
        "a standby takes no scratch database; set restoreInto to a server that does",
      );
    }
    if (!facts.mayCreateDatabase) {
      throw new Failure(
        "preflight",
        `role ${connection.role} may not create a scratch database; ALTER ROLE ${quoteIdentifier(connection.role)} CREATEDB, or set restoreInto`,
      );
    }
    const leftovers = await session.rows<{ name: string }>(
      "select datname as name from pg_database where pg_get_userbyid(datdba) = current_user",
    );
    for (const { name } of leftovers.filter((row) => isScratchName(row.name))) {
      await drop(session, facts, name);
      report.event("warning", "scratch-removed", `dropped ${name}, left by an earlier command`, {
        database: name,
      });
    }
    const untrusted = await untrustedExtensions(session);
    const startedAt = await startOf(session);
    const dropSession = await connect(connection, connection.maintenanceDatabase);
    return {
      connection,
      facts,
      session,
      dropSession,
      untrustedExtensions: untrusted,
      startedAt,
      async close() {
        await Promise.all([session.close(), dropSession.close()]);
      },
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function untrustedExtensions(session: Session): Promise<Set<string>> {
  const rows = await session.rows<{ name: string }>(
    `select e.name from pg_available_extensions e
       join pg_available_extension_versions v on v.name = e.name and v.version = e.default_version
      where v.superuser and not v.trusted`,
  );
  return new Set(rows.map(({ name }) => name));
}

async function startOf(session: Session): Promise<string> {
  const query = "select extract(epoch from pg_postmaster_start_time())::text as started";
  return (await oneRow<{ started: string }>(session, query)).started;
}

/**
 * Fails as `unreachable` where the server went away or was restarted since it was opened: what failed on it
 * meanwhile says nothing about the dump.
 */
export async function requireUndisturbed(server: ScratchServer): Promise<void> {
  const session = await connect(server.connection, server.connection.maintenanceDatabase);
  try {
    if ((await startOf(session)) === server.startedAt) return;
  } finally {
    await session.close();
  }
  throw new Failure("unreachable", "the scratch server was restarted during the restore; try again");
}

/**
 * Makes an empty database that is provably not the source (a new name, which the server did not know, and empty),
 * lets `use` work on it and drops it in the end, whatever happened.
 */
export async function withScratchDatabase<T>(
  server: ScratchServer,
  entry: Pick<DatabaseEntry, "locale">,
  use: (scratch: ScratchDatabase) => Promise<T>,
): Promise<T> {
  const name = newScratchName();
  try {
    await createScratch(server, name, entry.locale);
  } catch (error) {
    throw new Failure("preflight", `cannot create the scratch database: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const session = await connect(server.connection, name);
    try {
      await requireEmpty(session, name);
      return await use({ name, session });
    } finally {
      await session.close();
    }
  } finally {
    await dropFromAnySession(server, name);
  }
}

/** Refuses where a restore could fill the disk of a server on this host. */
export async function requireScratchSpace(
  context: Context,
  server: ScratchServer,
  bytes: number,
): Promise<void> {
  const setting = await server.session
    .rows<{ path: string }>("select setting as path from pg_settings where name = 'data_directory'")
    .catch(() => []);
  const path = setting[0]?.path;
  if (path === undefined) {
    const text =
      "cannot see where the scratch server keeps its data (grant pg_monitor): its free space is not checked";
    context.report.event("warning", "scratch-space-unknown", text);
    return;
  }
  const free = await freeBytes(path);
  // Data, and as much again for WAL and sorting while indexes are built.
  if (free >= bytes * 2 + context.config.minimumFreeBytes) return;
  throw new Failure(
    "preflight",
    `a scratch restore needs about ${formatBytes(bytes * 2)} and ${formatBytes(context.config.minimumFreeBytes)} must stay free (minimumFreeBytes), but ${path} has ${formatBytes(free)}; set restoreInto to a server with room`,
  );
}

/**
 * Makes it from the template of the scratch databases where the server has one of the source's encoding and locale, else
 * from the server's own empty one. Fails where the name is taken.
 */
async function createScratch(
  { session, facts }: ScratchServer,
  name: string,
  locale: DatabaseEntry["locale"],
): Promise<void> {
  const template = await findTemplate(session, scratchTemplate);
  if (template && localeKeys.every((key) => (template[key] ?? null) === (locale[key] ?? null))) {
    try {
      await session.execute(createStatement(name, locale, facts.major, scratchTemplate));
      return;
    } catch {
      // Somebody is connected to it, or the system's collations are no longer what it was made with: what it holds is
      // missed, as it is on any server without one, but a dump can be proven all the same.
    }
  }
  await session.execute(createStatement(name, locale, facts.major, "template0"));
}

const localeKeys = ["encoding", "collate", "ctype", "provider", "providerLocale", "icuRules"] as const;

/** The statement that makes an empty database with the source's encoding and locale. */
function createStatement(
  name: string,
  locale: DatabaseEntry["locale"],
  major: number,
  template: "template0" | typeof scratchTemplate,
): string {
  const options = [
    `template ${template}`,
    `encoding ${quoteLiteral(locale.encoding)}`,
    `lc_collate ${quoteLiteral(locale.collate)}`,
    `lc_ctype ${quoteLiteral(locale.ctype)}`,
  ];
  if (locale.provider !== "c" && locale.providerLocale !== null) {
    const [provider, option] =
      locale.provider === "i" ? ["icu", "icu_locale"] : ["builtin", "builtin_locale"];
    options.push(`locale_provider ${provider}`, `${option} ${quoteLiteral(locale.providerLocale)}`);
    if (locale.icuRules !== null) options.push(`icu_rules ${quoteLiteral(locale.icuRules)}`);
  } else if (major >= 15) options.push("locale_provider libc");
  return `create database ${quoteIdentifier(name)} ${options.join(" ")}`;
}

async function requireEmpty(session: Session, name: string): Promise<void> {
  const { database, tables } = await oneRow<{ database: string; tables: number }>(
    session,
    `select current_database() as database, count(*)::int as tables
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'm')`,
  );
  if (database === name && tables === 0) return;
  throw new Failure(
    "preflight",
    `${name} is not the empty database that was just made; nothing was restored`,
  );
}

/** The server may have restarted meanwhile, which ends our session but not our duty. */
async function dropFromAnySession(server: ScratchServer, name: string): Promise<void> {
  try {
    await drop(server.dropSession, server.facts, name);
  } catch {
    const session = await connect(server.connection, server.connection.maintenanceDatabase);
    try {
      await drop(session, server.facts, name);
    } finally {
      await session.close();
    }
  }
}

async function drop(session: Session, facts: ServerFacts, name: string): Promise<void> {
  if (!isScratchName(name)) throw new Error(`${name} is not a scratch database: it stays`);
  const force = facts.major >= 13 ? " with (force)" : "";
  await session.execute(`drop database if exists ${quoteIdentifier(name)}${force}`);
}
