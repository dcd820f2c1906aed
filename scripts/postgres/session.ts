import { readFile } from "node:fs/promises";
import pg from "pg";
import type { Connection } from "../config.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { placeOf } from "./connection.ts";
import { readPassword } from "./password-file.ts";
import { quoteLiteral } from "./quote.ts";

/** A session on one database. */
export interface Session {
  /** Rows of a query; values arrive as text, numbers, booleans or parsed JSON. */
  rows<T extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** Runs statements without results. */
  execute(sql: string): Promise<void>;
  /** Ends the statement that runs now, from a second connection; the session stays open. */
  cancel(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What every session sets for itself, beside statement_timeout, with which a role's own limit would end our
 * checksums. The timeouts are the same matter; the others decide how values turn into text, which must be the same when a dump is made and when it is compared.
 */
const settings = {
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  transaction_timeout: "0",
  row_security: "off",
  search_path: "pg_catalog",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  extra_float_digits: "3",
  bytea_output: "hex",
  lc_monetary: "C",
  xmlbinary: "base64",
  quote_all_identifiers: "off",
};

/**
 * Opens a session. Fails as `unreachable` with the server's own words, over the network as `preflight` where the
 * files that it takes cannot be used. Each statement may take as long as it likes, unless there is `answerTimeoutSeconds`, which also limits the opening (else 30 s).
 */
export async function connect(
  connection: Connection,
  database: string,
  answerTimeoutSeconds?: number,
): Promise<Session> {
  const { network } = connection;
  const password = await readPassword(connection, database);
  const client = new pg.Client({
    host: network?.host ?? connection.socketDirectory,
    ...(network === undefined ? {} : { ssl: await tlsOf(network) }),
    port: connection.port,
    user: connection.role,
    database,
    application_name: "dbkeeper",
    connectionTimeoutMillis: (answerTimeoutSeconds ?? 30) * 1000,
    ...(answerTimeoutSeconds === undefined ? {} : { query_timeout: answerTimeoutSeconds * 1000 }),
    // From the first statement on: the role's own limit could otherwise end the one that lifts it.
    options: "-c statement_timeout=0",
    password: () => {
      if (password !== undefined) return password;
      throw new Error("the server asks for a password; it must use peer authentication for this role");
    },
  });
  // A connection that breaks while idle is found by the next query; without a listener it would end the process.
  client.on("error", () => undefined);
  let backend = 0;
  try {
    await client.connect();
    // Not every version has every setting.
    const wanted = Object.entries(settings).map(
      ([name, value]) => `(${quoteLiteral(name)},${quoteLiteral(value)})`,
    );
    const { rows } = await client.query<{ pid: number }>(
      `select pg_catalog.pg_backend_pid() as pid, pg_catalog.set_config(name, value, false)
         from (values ${wanted.join(",")}) wanted(name, value)
        where pg_catalog.current_setting(name, true) is not null`,
    );
    backend = rows[0]?.pid ?? 0;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw new Failure(
      "unreachable",
      `cannot connect to database ${JSON.stringify(database)} as ${connection.role} through ${placeOf(connection)}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  // One statement after the other, also where several tasks share a session.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(query: () => Promise<T>): Promise<T> => {
    const next = last.then(query);
    last = next.catch(() => undefined);
    return next;
  };
  return {
    rows: async <T extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
      (await inTurn(() => client.query<T>(sql, [...values]))).rows,
    execute: async (sql) => {
      await inTurn(() => client.query(sql));
    },
    cancel: async () => {
      const other = await connect(connection, database);
      try {
        await other.rows("select pg_cancel_backend($1)", [backend]);
      } finally {
        await other.close();
      }
    },
    close: () => client.end().catch(() => undefined),
  };
}

/** Only a server whose certificate is for this host, by the authority that is named. */
async function tlsOf({ host, rootCertificate }: NonNullable<Connection["network"]>) {
  const ca = await readFile(rootCertificate).catch((error: unknown) => {
    throw new Failure("preflight", `cannot use network.rootCertificate: ${messageOf(error)}`);
  });
  return { ca, host, rejectUnauthorized: true };
}

/** Ends whatever statement a session runs when the signal fires, until the returned function is called. */
export function cancelOn(signal: AbortSignal, session: Session): () => void {
  signal.throwIfAborted();
  const cancel = () => void session.cancel().catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}

/** The only row of a query. */
export async function oneRow<T extends pg.QueryResultRow>(session: Session, sql: string): Promise<T> {
  const [row] = await session.rows<T>(sql);
  if (row === undefined) throw new Error("the server answered without a row");
  return row;
}

/** Environment for PostgreSQL's client programs: they reach the same server as the same role, and never ask. */
export function clientEnvironment(connection: Connection): Record<string, string> {
  const { network } = connection;
  return {
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    // Messages in one language: the last lines are shown to people and searched by programs.
    LC_ALL: "C.UTF-8",
    PGHOST: network?.host ?? connection.socketDirectory,
    PGPORT: String(connection.port),
    PGUSER: connection.role,
    PGAPPNAME: "dbkeeper client",
    PGCONNECT_TIMEOUT: "30",
    PGOPTIONS: "-c statement_timeout=0",
    PGPASSFILE: network?.passwordFile ?? "/dev/null",
    ...(network === undefined
      ? {}
      : { PGSSLMODE: "verify-full", PGSSLROOTCERT: network.rootCertificate, PGGSSENCMODE: "disable" }),
  };
}

/** What a server says about itself. */
export interface ServerFacts {
  version: string;
  major: number;
  systemIdentifier: string | null;
  /** A standby: it takes no writes. */
  inRecovery: boolean;
  superuser: boolean;
  mayCreateDatabase: boolean;
}

/** Asks a server for its facts. */
export async function readServerFacts(session: Session): Promise<ServerFacts> {
  const facts = await oneRow<{
    version: string;
    number: string;
    recovery: boolean;
    superuser: boolean;
    createdb: boolean;
  }>(
    session,
    `select current_setting('server_version') as version, current_setting('server_version_num') as number,
            pg_is_in_recovery() as recovery, rolsuper as superuser, rolcreatedb or rolsuper as createdb
       from pg_roles where rolname = current_user`,
  );
  const identifier = await oneRow<{ id: string }>(
    session,
    "select system_identifier::text as id from pg_control_system()",
  ).catch(() => undefined);
  return {
    version: facts.version,
    major: Math.floor(Number(facts.number) / 10_000),
    systemIdentifier: identifier?.id ?? null,
    inRecovery: facts.recovery,
    superuser: facts.superuser,
    mayCreateDatabase: facts.createdb,
  };
}
