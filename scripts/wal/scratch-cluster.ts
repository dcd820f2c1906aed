import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Connection } from "../config.ts";
import { messageOf } from "../exit-codes.ts";
import { connect, oneRow, type Session } from "../postgres/session.ts";
import { redact } from "../system/child.ts";

/** Folder of a scratch cluster: everything of it lies inside, so that it goes as a whole. */
export interface ScratchFolder {
  path: string;
  data: string;
  tablespaces: string;
}

const namePattern = /^dbkeeper-drill-[0-9a-f]{12}$/;
const port = 5432;

/** Makes an empty folder under a name that nobody else has, which only this system user can enter. */
export async function makeScratchFolder(parent: string): Promise<ScratchFolder> {
  const path = join(parent, `dbkeeper-drill-${randomBytes(6).toString("hex")}`);
  const folder = { path, data: join(path, "data"), tablespaces: join(path, "tablespaces") };
  for (const part of [path, folder.data, folder.tablespaces]) await mkdir(part, { mode: 0o700 });
  return folder;
}

/** Ends and removes what drills that were killed have left. Only under the lock. Returns the folders' names. */
export async function removeLeftovers(parent: string): Promise<string[]> {
  const names = (await readdir(parent)).filter((name) => namePattern.test(name));
  for (const name of names) await removeScratchFolder(join(parent, name));
  return names;
}

/** Removes a scratch folder after ending whatever still works in it: a server, or a restore with its processes. */
export async function removeScratchFolder(path: string): Promise<void> {
  const begun = Date.now();
  for (;;) {
    const working = await processesIn(path);
    if (working.length === 0) break;
    const waited = Date.now() - begun;
    if (waited > 30_000) throw new Error(`processes ${working.join(", ")} do not end, ${path} stays`);
    // Nothing in there is worth a clean shutdown, but a server that is killed leaves its shared memory for ever.
    for (const pid of working) kill(pid, waited < 5_000 ? "SIGQUIT" : "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await rm(path, { recursive: true, force: true });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended meanwhile.
  }
}

/** Processes that were started for this folder or work inside it; its name is random, so no other has it. */
async function processesIn(path: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const [command, cwd] = await Promise.all([
      readFile(`/proc/${name}/cmdline`, "utf8").catch(() => ""),
      readlink(`/proc/${name}/cwd`).catch(() => ""),
    ]);
    if (command.includes(`${path}/`) || `${cwd}/`.startsWith(`${path}/`)) found.push(pid);
  }
  return found;
}

/** What starts a server on restored data. */
export interface ScratchServerOptions {
  folder: ScratchFolder;
  /** The server program. */
  program: string;
  /** Fetches a segment; `%f` and `%p` as in PostgreSQL's restore_command. */
  restoreCommand: string;
  /** Settings that recovery needs as they are on the source. */
  inherited: Readonly<Record<string, string>>;
  /** Name of the bootstrap superuser. */
  superuser: string;
  maintenanceDatabase: string;
}

/** A server on restored data that only this system user reaches, through a socket in its folder. */
export interface ScratchCluster {
  connection: Connection;
  /** Waits until recovery has ended and the server takes statements. Fails when it ends, or at the deadline. */
  recovered(deadlineSeconds: number, signal: AbortSignal): Promise<Session>;
  stop(): Promise<void>;
}

/** Starts a server that recovers. What could reach outside of its folder is switched off. */
export async function startScratchCluster(options: ScratchServerOptions): Promise<ScratchCluster> {
  const { folder } = options;
  const path = (name: string) => join(folder.path, name);
  await writeFile(path("postgresql.conf"), "");
  await writeFile(path("pg_hba.conf"), "local all all trust\n", { mode: 0o600 });
  await writeFile(path("pg_ident.conf"), "");
  const args = Object.entries(settingsOf(options)).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const log = await open(path("server.log"), "a", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(options.program, ["-D", folder.data, ...args], {
      cwd: folder.path,
      stdio: ["ignore", log.fd, log.fd],
      env: { PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C.UTF-8" },
    });
  } finally {
    await log.close();
  }
  let ended: string | undefined;
  const end = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      ended = messageOf(error);
      resolve();
    });
    child.once("close", (code, signal) => {
      ended ??= signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
      resolve();
    });
  });
  const connection = {
    socketDirectory: folder.path,
    port,
    role: options.superuser,
    maintenanceDatabase: options.maintenanceDatabase,
  };
  return {
    connection,
    async recovered(deadlineSeconds, signal) {
      const deadline = Date.now() + deadlineSeconds * 1000;
      for (;;) {
        signal.throwIfAborted();
        if (ended !== undefined) {
          throw new Error(`the recovering server ${ended}: ${await lastErrors(path("server.log"))}`);
        }
        const session = await openRecovered(connection, folder);
        if (session !== undefined) return session;
        if (Date.now() > deadline) {
          throw new Error(`recovery did not end in ${deadlineSeconds} s (wal.drill.deadlineSeconds)`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop() {
      child.kill("SIGQUIT");
      await end;
    },
  };
}

/** A session on the scratch server once it has left recovery; it is provably the one in this folder. */
async function openRecovered(connection: Connection, folder: ScratchFolder): Promise<Session | undefined> {
  // Without hot standby the server refuses everyone until recovery has ended.
  const session = await connect(connection, connection.maintenanceDatabase).catch(() => undefined);
  if (session === undefined) return undefined;
  try {
    const { recovering, data } = await oneRow<{ recovering: boolean; data: string }>(
      session,
      "select pg_is_in_recovery() as recovering, current_setting('data_directory') as data",
    );
    if (data !== folder.data) throw new Error(`the server in ${folder.path} serves ${data}`);
    if (!recovering) return session;
  } catch (error) {
    await session.close();
    throw error;
  }
  await session.close();
  return undefined;
}

/** On the command line, where they win over what was restored (`postgresql.auto.conf`). */
function settingsOf({ folder, restoreCommand, inherited }: ScratchServerOptions): Record<string, string> {
  const path = (name: string) => join(folder.path, name);
  return {
    config_file: path("postgresql.conf"),
    hba_file: path("pg_hba.conf"),
    ident_file: path("pg_ident.conf"),
    external_pid_file: "",
    listen_addresses: "",
    unix_socket_directories: folder.path,
    port: String(port),
    ssl: "off",
    // It must never write to the archive that it proves.
    archive_mode: "off",
    archive_command: "",
    restore_command: restoreCommand,
    recovery_target_action: "promote",
    hot_standby: "off",
    // Nor reach other servers, wait for them, or run what was scheduled.
    primary_conninfo: "",
    primary_slot_name: "",
    synchronous_standby_names: "",
    max_logical_replication_workers: "0",
    shared_preload_libraries: "",
    session_preload_libraries: "",
    local_preload_libraries: "",
    autovacuum: "off",
    // It lives for minutes, and beside the real one.
    fsync: "off",
    full_page_writes: "off",
    shared_buffers: "64MB",
    // In its folder, so that it goes with it also where all was killed at once.
    dynamic_shared_memory_type: "mmap",
    huge_pages: "off",
    logging_collector: "off",
    log_destination: "stderr",
    log_min_messages: "warning",
    lc_messages: "C",
    ...inherited,
  };
}

async function lastErrors(log: string): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  const lines = redact(text).split("\n");
  // pgBackRest goes on in lines that begin with spaces; PostgreSQL's, with a tab, are only advice here.
  const telling = lines.filter(
    // What it told us while we waited for it is no error of its own.
    (line) => /(?:FATAL|PANIC|ERROR):|^ +\S/.test(line) && !line.includes("is starting up"),
  );
  const shown = telling.length > 0 ? telling : lines.filter((line) => line !== "");
  return shown
    .slice(-6)
    .map((line) => line.trim())
    .join(" | ");
}
