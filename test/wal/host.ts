import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, chown, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import {
  type PgBackRestSecrets,
  pgBackRestConfig,
  pgBackRestSecrets,
  physicalBackupGrants,
  type S3Repository,
} from "../../infra/databases/pgbackrest.ts";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import {
  becoming,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
  unprivilegedUser,
} from "../../scripts/testing/cluster.ts";
import { until } from "../../scripts/testing/wait.ts";

const main = fileURLToPath(new URL("../../scripts/main.ts", import.meta.url));
const role = "physical_pg01";

/** Why these tests are skipped; undefined where they run. */
export const whySkipped =
  serverPrograms === undefined
    ? skipReason
    : spawnSync("pgbackrest", ["version"]).status === 0
      ? undefined
      : "no pgbackrest: install the package pgbackrest";

interface Outcome {
  code: number;
  events: ({ event: string; text: string } & Record<string, unknown>)[];
  output: string;
}

/** A database host with WAL archiving into an encrypted repository, and the runtime as the data's owner. */
export interface WalHost {
  cluster: TestCluster;
  folder: string;
  /** Folders of the repository, of the runtime's state and of scratch clusters. */
  repository: string;
  state: string;
  scratch: string;
  metricsFile: string;
  configFile: string;
  /** The data's owner; `undefined` where the tests run as that user themselves. */
  owner: { uid: number; gid: number } | undefined;
  /** What stands before a command to run it as the owner. */
  prefix: readonly string[];
  /** Runs `dbkeeper wal …` as the data's owner. */
  wal(...argv: string[]): Promise<Outcome>;
  /** Starts it without waiting; the caller ends it. */
  start(...argv: string[]): ReturnType<typeof spawn>;
  configure(more?: Partial<DbkeeperConfig>, wal?: Partial<DbkeeperConfig["wal"]>): Promise<void>;
  /** Sets a setting as an administrator would, and has the server read it. */
  alterSystem(statement: string): Promise<void>;
  /** Writes a sentinel row, as any client may that keeps to the lock. */
  commit(client: pg.Client): Promise<void>;
  /** From now on the host is that of another server, which has a local repository of its own, still empty. */
  become(other: TestCluster): Promise<void>;
  stop(): Promise<void>;
}

/** What a {@link WalHost} may have besides. */
export interface WalHostOptions {
  /** A second repository. */
  s3?: S3Repository & { authorityFile: string; key: NonNullable<PgBackRestSecrets["s3Key"]> };
  /** Differential backups that are kept; default 7. */
  differentials?: number;
}

export async function startWalHost({ s3, differentials = 7 }: WalHostOptions = {}): Promise<WalHost> {
  // A restore makes every file durable: on a disk that waits for others' writes, that would be most of the time.
  const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = await mkdtemp(join(parent, "dbkeeper-wal-"));
  const path = (name: string) => join(folder, name);
  const owner = process.getuid?.() === 0 ? await unprivilegedUser() : undefined;
  const folders = [
    "repository",
    "promoted",
    "state",
    "scratch",
    "conf.d",
    "spool",
    "log",
    "lock",
    "tablespace",
  ];
  for (const name of folders) await mkdir(path(name), { mode: 0o700 });
  const own = ["--config", path("pgbackrest.conf"), "--config-include-path", path("conf.d")];
  const archiveCommand = `pgbackrest ${own.join(" ")} --stanza=pg01 archive-push %p`;
  const cluster = await startCluster(
    "archive_mode = on\narchive_timeout = 300\nmax_wal_senders = 3\nwal_keep_size = 16MB\n",
  );
  const configFile = path("config.json");
  const configurePgBackRest = ({ socketDirectory, port }: TestCluster, repository: string) =>
    writeFile(
      path("pgbackrest.conf"),
      pgBackRestConfig({
        stanza: "pg01",
        dataDirectory: join(socketDirectory, "data"),
        port,
        socketDirectory,
        role,
        cores: 2,
        version: "2.45",
        repositoryPath: repository,
        retention: { days: 30, differentials },
        spoolPath: path("spool"),
        logPath: path("log"),
        ...(s3 === undefined ? {} : { s3: { ...s3, authorityFile: path("authority.pem") } }),
      }),
    );
  await configurePgBackRest(cluster, path("repository"));
  await writeFile(
    path("conf.d/secrets.conf"),
    pgBackRestSecrets({
      localPassphrase: "of-a-test-that-guards-nothing",
      ...(s3 === undefined ? {} : { s3Passphrase: "of-its-copy-that-guards-nothing", s3Key: s3.key }),
    }),
    { mode: 0o600 },
  );
  // Where the owner of the data can read it.
  if (s3 !== undefined) await copyFile(s3.authorityFile, path("authority.pem"));
  await writeFile(path("conf.d/test.conf"), `[global]\nlock-path=${path("lock")}\nio-timeout=10\n`);
  if (owner !== undefined) {
    for (const name of ["", ...folders, "conf.d/secrets.conf"]) await chown(path(name), owner.uid, owner.gid);
  }
  await cluster.sql(`create role ${role} login in role pg_monitor; ${physicalBackupGrants(role, 15)}`);
  // A restore that put it where the source has it would destroy it.
  await cluster.sql(`create tablespace elsewhere location '${path("tablespace")}'`);
  await cluster.sql("create table spaced tablespace elsewhere as select i from generate_series(1, 100) i");
  const configure: WalHost["configure"] = (more = {}, wal = {}) => {
    const config: DbkeeperConfig = {
      cluster: { name: "pg01", socketDirectory: cluster.socketDirectory, port: cluster.port, role: "nobody" },
      directory: folder,
      metricsFile: path("dbkeeper.prom"),
      minimumFreeBytes: 0,
      wal: {
        stanza: "pg01",
        role,
        configFile: path("pgbackrest.conf"),
        includeDirectory: path("conf.d"),
        directory: path("state"),
        metricsFile: path("state/dbkeeper-wal.prom"),
        settings: { archiveCommand, keepMib: 16 },
        drill: { directory: path("scratch") },
        ...wal,
      },
      ...more,
    };
    return writeFile(configFile, JSON.stringify(config));
  };
  await configure();
  // The owner of the data need not be able to read this checkout.
  const reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
  const prefix = owner === undefined ? [] : [...becoming(owner), ...reading];
  const start: WalHost["start"] = (...argv) => {
    const command = [...prefix, process.execPath, main, "wal", ...argv, "--config", configFile, "--json"];
    return spawn(command[0] ?? "", command.slice(1), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  };
  const alterSystem = async (statement: string) => {
    await cluster.sql(`alter system ${statement}`);
    await cluster.sql("select pg_reload_conf()");
  };
  await appendFile(
    join(cluster.socketDirectory, "data", "postgresql.conf"),
    `archive_command = '${archiveCommand}'\n`,
  );
  await cluster.sql("select pg_reload_conf()");
  await until("the server to read its settings", async () => {
    const [row] = await cluster.sql("show archive_command");
    return row?.archive_command === archiveCommand;
  });
  return {
    cluster,
    folder,
    repository: path("repository"),
    state: path("state"),
    scratch: path("scratch"),
    metricsFile: path("state/dbkeeper-wal.prom"),
    configFile,
    owner,
    prefix,
    start,
    configure,
    alterSystem,
    async wal(...argv) {
      const child = start(...argv);
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (text: string) => {
          output += text;
        });
      }
      const code = await new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (number) => resolve(number ?? -1));
      });
      const lines = output.split("\n").filter((line) => line.startsWith('{"time"'));
      return { code, output, events: lines.map((line) => JSON.parse(line) as Outcome["events"][number]) };
    },
    async commit(client) {
      await client.query(
        "begin; lock table dbkeeper.sentinel in exclusive mode; insert into dbkeeper.sentinel default values; commit",
      );
    },
    async become(other) {
      await configurePgBackRest(other, path("promoted"));
      const { socketDirectory, port } = other;
      const file = join(socketDirectory, "data", "postgresql.conf");
      const settings = { archiveCommand, keepMib: 16, file };
      await configure({ cluster: { name: "pg01", socketDirectory, port, role: "nobody" } }, { settings });
    },
    async stop() {
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
