import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { appendFile, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const execute = promisify(execFile);

/** Folder of the newest PostgreSQL server programs; `undefined` where there are none. */
export const serverPrograms = newestPrograms();

/** Why tests that need a server are skipped. */
export const skipReason = "no PostgreSQL server under /usr/lib/postgresql: install the package postgresql";

/** The role that backups use: what production grants it, and nothing more. */
export const backupRole = "iperius_backup_pg01";

/** A PostgreSQL server of its own, reachable only through its socket. */
export interface TestCluster {
  socketDirectory: string;
  port: number;
  /** Runs SQL as the superuser. */
  sql(statement: string, database?: string): Promise<pg.QueryResultRow[]>;
  /** A superuser's session that the caller closes. */
  session(database?: string): Promise<pg.Client>;
  stop(): Promise<void>;
}

/**
 * Starts a server in a temporary folder, as an unprivileged user where this one is root. `settings` are lines of its
 * configuration, `server` is the folder of another installation's server, `more` are further arguments of initdb.
 */
export async function startCluster(
  settings = "",
  server = serverPrograms,
  more: readonly string[] = [],
): Promise<TestCluster> {
  const home = await newHome();
  await home.run("initdb", [
    ...["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"],
    `--pgdata=${home.data}`,
    ...more,
  ]);
  await appendFile(
    join(home.data, "postgresql.conf"),
    `listen_addresses = ''\nport = 5432\nunix_socket_directories = '${home.folder}'\nfsync = off\nfull_page_writes = off\nautovacuum = off\nshared_buffers = 32MB\nlog_min_messages = panic\n${settings}`,
  );
  const cluster = await serve(home, [], server);
  const { sql } = cluster;
  await sql(`create role ${backupRole} login createdb bypassrls in role pg_read_all_data, pg_monitor`);
  await sql(`alter role ${backupRole} set lo_compat_privileges = on`);
  // A limit as administrators set it, only so low that no statement would survive it.
  await sql(`alter role ${backupRole} set statement_timeout = '1ms'`);
  return cluster;
}

/** Starts a standby that streams from another test's server, with further arguments on its command line. */
export async function startStandby(
  primary: TestCluster,
  settings = "",
  more: readonly string[] = [],
): Promise<TestCluster> {
  const home = await newHome();
  await home.run("pg_basebackup", [
    ...["--no-sync", "--checkpoint=fast", "--write-recovery-conf", "--username=postgres"],
    `--host=${primary.socketDirectory}`,
    `--pgdata=${home.data}`,
  ]);
  await appendFile(
    join(home.data, "postgresql.conf"),
    `unix_socket_directories = '${home.folder}'\n${settings}`,
  );
  return await serve(home, more);
}

/** A folder for a server, and the user whose it is. */
interface Home {
  folder: string;
  data: string;
  /** What stands before a command to run it as that user. */
  prefix: readonly string[];
  /** Runs one of PostgreSQL's programs as that user. */
  run(program: string, args: readonly string[]): Promise<void>;
}

async function newHome(): Promise<Home> {
  if (serverPrograms === undefined) throw new Error(skipReason);
  const programs = serverPrograms;
  const folder = await mkdtemp(join(tmpdir(), "dbkeeper-pg-"));
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : undefined;
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const prefix = user === undefined ? [] : becoming(user);
  return {
    folder,
    data: join(folder, "data"),
    prefix,
    async run(program, args) {
      const [command = "", ...rest] = [...prefix, join(programs, program), ...args];
      await execute(command, rest, { cwd: folder });
    },
  };
}

async function serve(
  { folder, data, prefix }: Home,
  more: readonly string[] = [],
  programs = serverPrograms,
): Promise<TestCluster> {
  // The server ends with the test, even where the test is killed.
  const launch = prefix.length === 0 ? [] : [...prefix, "--pdeathsig=QUIT"];
  const [server = "", ...serverArgs] = [...launch, join(programs ?? "", "postgres"), "-D", data, ...more];
  const child = spawn(server, serverArgs, { cwd: folder, stdio: "ignore" });
  // It may end before anybody stops it.
  const ended = new Promise((resolve) => child.once("close", resolve));

  const session = async (database = "postgres") => {
    const client = new pg.Client({ host: folder, port: 5432, user: "postgres", database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  const sql = async (statement: string, database?: string) => {
    const client = await session(database);
    try {
      const result = await client.query<pg.QueryResultRow>(statement);
      return result.rows ?? [];
    } finally {
      await client.end();
    }
  };
  await waitUntilReady(child, sql);
  return {
    socketDirectory: folder,
    port: 5432,
    sql,
    session,
    async stop() {
      child.kill("SIGQUIT");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An empty folder for one test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dbkeeper-test-"));
  await mkdir(join(folder, "backup"));
  return folder;
}

async function waitUntilReady(
  child: ChildProcess,
  sql: (statement: string) => Promise<unknown>,
): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await sql("select 1");
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** What stands before a command to run it as another user. */
export function becoming({ uid, gid }: { uid: number; gid: number }): string[] {
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

/** The user that servers of tests run as when this one is root. */
export async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = await Promise.all([execute("id", ["-u", name]), execute("id", ["-g", name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // Not on this machine.
    }
  }
  throw new Error("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody");
}

function newestPrograms(): string | undefined {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .filter((version) => existsSync(join(root, version, "bin", "initdb")))
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, "bin"))[0];
}
