import { chown, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { pgBackRestConfig, pgBackRestSecrets } from "../../../infra/databases/pgbackrest.ts";
import { becoming, unprivilegedUser } from "../../../scripts/testing/cluster.ts";
import { until } from "../../../scripts/testing/wait.ts";
import { ways } from "./bounds.ts";
import type { Contender, Task } from "./contenders.ts";

/** What servers that are benched need from the beginning: WAL that nobody wants goes nowhere. */
export const archivingSettings = "archive_mode = on\narchive_command = '/bin/true'\n";

/** Version of pgBackRest, such as `2.45`; undefined where there is none. */
export async function pgBackRestVersion(): Promise<string | undefined> {
  const { stdout, failed } = await execa("pgbackrest", ["version"], { reject: false });
  return failed ? undefined : /\d+\.\d+/.exec(stdout)?.[0];
}

/** Full backups of the whole cluster into an empty repository: as it can be fastest, by default, and as delivered. */
export function physicalBackups(version: string): readonly Contender[] {
  return [
    physical(ways.physical, 3, (place) =>
      plainConfig(place, { "compress-type": "zst", "process-max": place.jobs }),
    ),
    physical(ways.physicalByDefault, 1, (place) => plainConfig(place, {})),
    physical(ways.physicalDelivered, 1, ({ repository, folder, data, jobs, task }) =>
      [
        pgBackRestConfig({
          stanza,
          dataDirectory: data,
          port: task.cluster.port,
          socketDirectory: task.cluster.socketDirectory,
          role: "postgres",
          cores: jobs,
          version,
          repositoryPath: repository,
          retention: { days: 30, differentials: 7 },
          spoolPath: join(folder, "spool"),
          logPath: join(folder, "log"),
        }),
        pgBackRestSecrets({ localPassphrase: "of-a-benchmark-that-guards-nothing" }),
        `lock-path=${join(folder, "lock")}\n`,
      ].join(""),
    ),
  ];
}

const stanza = "bench";

/** Where a backup is taken from and put. */
interface Place {
  readonly task: Task;
  readonly jobs: number;
  /** The server's files. */
  readonly data: string;
  readonly repository: string;
  /** For pgBackRest's configuration, locks and queue. */
  readonly folder: string;
}

function placeOf(task: Task): Place {
  return {
    task,
    jobs: task.jobs,
    data: join(task.cluster.socketDirectory, "data"),
    repository: join(task.folder, "repository"),
    folder: join(task.workFolder, "pgbackrest"),
  };
}

/** Nothing but where things are, and what is said. */
function plainConfig(
  { task, data, repository, folder }: Place,
  more: Record<string, string | number>,
): string {
  const options = {
    "repo1-path": repository,
    "lock-path": join(folder, "lock"),
    "spool-path": join(folder, "spool"),
    "log-path": join(folder, "log"),
    // Else it would wait for the server's next checkpoint, minutes away.
    "start-fast": "y",
    ...more,
    "pg1-path": data,
    "pg1-port": task.cluster.port,
    "pg1-socket-path": task.cluster.socketDirectory,
    "pg1-user": "postgres",
  };
  const lines = Object.entries(options).map(([key, value]) => `${key}=${value}\n`);
  return [
    "[global]\n",
    ...lines.filter((line) => !line.startsWith("pg1-")),
    `[${stanza}]\n`,
    ...lines.filter((line) => line.startsWith("pg1-")),
  ].join("");
}

function physical(way: string, rounds: number, configOf: (place: Place) => string): Contender {
  return {
    way,
    rounds,
    async prepare(task) {
      const place = placeOf(task);
      const configFile = configFileOf(place);
      const owner = process.getuid?.() === 0 ? await unprivilegedUser() : undefined;
      await rm(place.folder, { recursive: true, force: true });
      const queues = ["spool", "log", "lock"].map((name) => join(place.folder, name));
      for (const folder of [place.folder, ...queues, place.repository]) {
        await mkdir(folder, { mode: 0o700 });
        if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
      }
      await writeFile(configFile, configOf(place), { mode: 0o600 });
      if (owner !== undefined) await chown(configFile, owner.uid, owner.gid);
      await pgBackRest(place, "stanza-create");
      await archiveBy(task, `pgbackrest ${commonOptions(place).join(" ")} archive-push %p`);
    },
    run: (task) => pgBackRest(placeOf(task), "backup", "--type=full"),
    finish: (task) => archiveBy(task, "/bin/true"),
  };
}

/** As the owner of the server's files: nobody else may read them, and newer versions refuse root. */
async function pgBackRest(place: Place, command: string, ...options: readonly string[]): Promise<void> {
  const prefix = process.getuid?.() === 0 ? becoming(await unprivilegedUser()) : [];
  const quiet = ["--log-level-console=off", "--log-level-stderr=warn", "--log-level-file=off"];
  const words = [...prefix, "pgbackrest", ...commonOptions(place), ...quiet, ...options, command];
  const [file = "", ...args] = words;
  await execa(file, args, { cwd: place.folder, stdout: "ignore", cancelSignal: place.task.signal });
}

function commonOptions(place: Place): string[] {
  return [`--config=${configFileOf(place)}`, `--stanza=${stanza}`];
}

function configFileOf({ folder }: Place): string {
  return join(folder, "pgbackrest.conf");
}

async function archiveBy({ cluster }: Task, command: string): Promise<void> {
  await cluster.sql(`alter system set archive_command = '${command}'`);
  await cluster.sql("select pg_reload_conf()");
  await until("the server to read its settings", async () => {
    const [row] = await cluster.sql("show archive_command");
    return row?.archive_command === command;
  });
}
