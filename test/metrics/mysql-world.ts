import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { becoming, unprivilegedUser } from "../../scripts/testing/cluster.ts";
import { until } from "../../scripts/testing/wait.ts";

/** A MariaDB server that was unpacked for a capture, reachable through its socket only. */
export interface MysqlWorld extends AsyncDisposable {
  /** `10.11.19`. */
  readonly version: string;
  /** The file that tells mysqld_exporter where the server is. */
  readonly clientFile: string;
}

/** The server, its client, and the libraries of theirs that a machine may lack. */
const packages = ["mariadb-server-core", "mariadb-client-core", "libmariadb3", "liburing2", "libaio1"];

const statements = [
  "CREATE USER monitoring@localhost",
  "GRANT PROCESS, REPLICATION CLIENT, SLAVE MONITOR, SELECT ON *.* TO monitoring@localhost",
  // A source that is not there: a replica's status has the same columns.
  "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'nobody'",
  "START SLAVE",
];

/** Unpacks Debian's packages and starts the server with a binary log and as a replica. Fails where apt serves none. */
export async function startMysqlWorld(): Promise<MysqlWorld> {
  const folder = await mkdtemp(join(tmpdir(), "lab-mysql-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return await serve(folder, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function serve(folder: string, remove: () => Promise<void>): Promise<MysqlWorld> {
  await execa("apt-get", ["download", ...packages], { cwd: folder });
  const usr = join(folder, "root/usr");
  const archives = await execa("find", [folder, "-name", "*.deb"]);
  for (const archive of archives.stdout.split("\n")) {
    await execa("dpkg-deb", ["--extract", archive, join(folder, "root")]);
  }
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : undefined;
  if (user) await execa("chown", ["--recursive", `${user.uid}:${user.gid}`, folder]);
  const env = { LD_LIBRARY_PATH: join(usr, "lib/x86_64-linux-gnu") };
  const argv = (program: string, ...args: string[]): [string, string[]] => {
    const [command = "", ...rest] = [...(user ? becoming(user) : []), join(usr, program), ...args];
    return [command, rest];
  };
  const socket = join(folder, "socket");
  const data = `--datadir=${join(folder, "data")}`;
  const messages = `--lc-messages-dir=${join(usr, "share/mysql")}`;
  const makeOptions = [`--basedir=${usr}`, "--auth-root-authentication-method=normal"];
  await execa(...argv("bin/mariadb-install-db", "--no-defaults", data, ...makeOptions), { env });
  const serverOptions = [`--socket=${socket}`, "--skip-networking", "--log-bin", "--server-id=2"];
  const server = execa(...argv("sbin/mariadbd", "--no-defaults", data, messages, ...serverOptions), {
    env,
    reject: false,
    stdio: "ignore",
    buffer: false,
  });
  const stop = async () => {
    server.kill("SIGTERM");
    await server;
    await remove();
  };
  try {
    const clientOptions = ["--no-defaults", `--socket=${socket}`, "--user=root", "--skip-column-names"];
    const sql = async (statement: string) =>
      (await execa(...argv("bin/mariadb", ...clientOptions, "--execute", statement), { env })).stdout;
    const answers = () =>
      sql("SELECT 1").then(
        () => true,
        () => false,
      );
    await until("MariaDB to answer", answers, 60);
    for (const statement of statements) await sql(statement);
    const clientFile = join(folder, "client.cnf");
    await writeFile(clientFile, `[client]\nuser = monitoring\nsocket = ${socket}\n`);
    const [version = ""] = (await sql("SELECT version()")).split("-");
    return { version, clientFile, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
