import { execFile } from "node:child_process";
import { chown, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "../../../scripts/testing/wait.ts";
import { type DrillResult, readHistory } from "../../../scripts/wal/drill-result.ts";
import { type Backup, parseInfo } from "../../../scripts/wal/info.ts";
import type { WalHost } from "../../wal/host.ts";
import type { World } from "./lane.ts";
import { type Picture, pictureOfFiles } from "./picture.ts";
import type { Program } from "./program.ts";
import type { Scenario } from "./scenarios.ts";
import type { Case } from "./sweep.ts";

const execute = promisify(execFile);

/** A host with physical backups, on which one case after the other is tried. */
export interface WalGround {
  host: WalHost;
  program: Program;
  /** Worlds since the last backup: the drills recover through all WAL since. */
  age: number;
}

/**
 * What the sweep goes through, on a host with one full backup that keeps one differential one: a backup that is taken
 * again because its success was not seen is removed by the next, so that the state is the same.
 */
export function makeWalScenarios(ground: WalGround): Scenario[] {
  const make = (command: string, more: readonly string[] = [], begin = async () => {}): Scenario => ({
    name: `wal ${command}`,
    argv: ["wal", command, ...more],
    begin: async () => {
      await begin();
      return await makeWorld(ground, command === "setup");
    },
    picture: (world) => pictureOf(ground, world, command),
    unsound: (world, fault) => unsound(ground, world, fault),
  });
  return [
    make("check"),
    make("setup"),
    make("backup", ["diff"]),
    make("expire", [], () => pgBackRest(ground, "--type=diff", "--no-expire-auto", "backup").then(() => {})),
    make("drill"),
  ];
}

/** Places in a world; all are of the data's owner. */
const folders = ["", "backup", "metrics", "temporary", "sent", "scratch", "fresh"];
let worlds = 0;

async function makeWorld(ground: WalGround, isNew: boolean): Promise<World> {
  const { host, program } = ground;
  if (++ground.age > 20) {
    await pgBackRest(ground, "--type=diff", "backup");
    ground.age = 0;
  }
  const folder = join(host.folder, `world-${++worlds}`);
  const path = (name: string) => join(folder, name);
  for (const name of folders) await makeOwned(host, path(name));
  const configFile = isNew ? path("pgbackrest.conf") : join(host.folder, "pgbackrest.conf");
  if (isNew) {
    const text = await readFile(join(host.folder, "pgbackrest.conf"), "utf8");
    await writeFile(configFile, text.replaceAll(host.repository, path("fresh")));
  }
  const wal = {
    directory: path("backup"),
    metricsFile: path("metrics/dbkeeper-wal.prom"),
    configFile,
    drill: { directory: path("scratch") },
  };
  await host.configure({ directory: path("backup") }, wal);
  return {
    lane: { cluster: host.cluster, close: async () => {} },
    folder,
    runs: path("backup/full/pg01"),
    before: (await backupsIn(ground)).map(({ label }) => label),
    configFile: host.configFile,
    prefix: "",
    runAs: host.prefix,
    run: (...argv) =>
      program.run([...argv, "--config", host.configFile], {
        temporary: path("temporary"),
        prefix: host.prefix,
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Makes a folder in which the data's owner may write. */
export async function makeOwned({ owner }: WalHost, path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}

async function pgBackRest({ host }: WalGround, ...args: string[]): Promise<string> {
  const path = (name: string) => join(host.folder, name);
  const own = ["--config", path("pgbackrest.conf"), "--config-include-path", path("conf.d"), "--stanza=pg01"];
  const [command = "", ...rest] = [...host.prefix, "pgbackrest", ...own, ...args];
  return (await execute(command, rest, { cwd: host.folder })).stdout;
}

async function backupsIn(ground: WalGround): Promise<Backup[]> {
  const { backups } = parseInfo(await pgBackRest(ground, "--output=json", "info"), "pg01");
  return backups.filter(({ pageErrors }) => !pageErrors);
}

/** The files, and of what pgBackRest keeps and the drills found that which is the same every time. */
async function pictureOf(ground: WalGround, world: World, command: string): Promise<Picture> {
  const { folder } = world;
  const drills = await readHistory(join(folder, "backup"), "pg01");
  const left = await readdir(join(folder, "scratch"));
  const fresh = await readdir(join(folder, "fresh"), { recursive: true });
  const changes = command === "backup" || command === "expire";
  const kinds = changes ? (await backupsIn(ground)).map(({ type }) => type) : [];
  return new Map([
    ...(await pictureOfFiles({ folder, runs: world.runs, before: [] })),
    ["last drill", drills.at(-1)?.verdict ?? "none"],
    ["scratch", `${left.length} left`],
    ["new repository", fresh.toSorted().join(" ")],
    ["backups", kinds.join(" ")],
  ]);
}

async function unsound(
  ground: WalGround,
  world: World,
  fault?: Pick<Case, "call" | "kind">,
): Promise<string[]> {
  const { before } = world;
  const backups = await backupsIn(ground);
  const newest = before.at(-1) ?? "";
  const problems: string[] = [];
  // The labels are times, and that of a differential one begins with its full one's.
  const isLost = !backups.some(({ label }) => label >= newest);
  if (isLost) problems.push(`the newest good backup, ${newest}, is lost`);
  if (!backups.some(({ type }) => type === "full")) problems.push("there is no full backup");
  await archive(ground.host).catch((error: unknown) =>
    problems.push(`nothing is archived: ${String(error)}`),
  );
  if (fault === undefined) return problems;
  const drills = await readHistory(join(world.folder, "backup"), "pg01");
  for (const drill of drills.filter(({ verdict }) => verdict === "pass")) {
    const why = whyNoPass(drill, fault);
    if (why !== undefined) problems.push(`a drill is told as passed, but ${why}`);
  }
  return problems;
}

/** Why a drill that met the fault cannot have passed. */
function whyNoPass(
  { phases, rowsDue, rtoSeconds }: DrillResult,
  { call, kind }: Pick<Case, "call" | "kind">,
): string | undefined {
  const lacking = ["archive", "restore", "recover", "compare", "amcheck"].filter((name) => !(name in phases));
  if (lacking.length > 0) return `there was no ${lacking.join(", no ")}`;
  if (rowsDue === null || rowsDue === 0 || rtoSeconds === null) return "nothing was compared";
  // What the metrics ask for comes after the drill.
  if (call.type !== "child" || /^(readWalStatus|listArchivedWal)$/.test(call.caller)) return undefined;
  // The server is ended in any case; the shell around it, which the fault kills, only when that has happened.
  const failed = kind === "exit-1" || (kind === "killed" && !call.operation.startsWith("spawn postgres"));
  return failed ? `${call.operation} failed` : undefined;
}

/** Ends a segment and waits until it is in the archive. */
async function archive({ cluster }: WalHost): Promise<void> {
  const session = await cluster.session();
  try {
    // A segment that nothing was written into is not ended.
    await session.query("select pg_logical_emit_message(true, 'test', 'more')");
    const { rows } = await session.query("select pg_walfile_name(pg_switch_wal()) as segment");
    const segment = String(rows[0]?.segment);
    const question = "select left(last_archived_wal, 24) as last from pg_stat_archiver";
    await until(
      "the archive",
      async () => String((await session.query(question)).rows[0]?.last) >= segment,
      20,
    );
  } finally {
    await session.end();
  }
}
