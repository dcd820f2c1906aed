import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DbkeeperConfig } from "../../../scripts/config.ts";
import { pictureOfArchive, unsoundArchive } from "./archived.ts";
import { pictureOfDatabases, replaceTarget, unsoundDatabases } from "./databases.ts";
import { type Beginning, type Ground, type Lane, makeWorld, newAgeKey, type World } from "./lane.ts";
import { type Picture, pictureOfFiles, provenRuns, runsOf, unsoundRuns } from "./picture.ts";
import type { Case } from "./sweep.ts";
import { makeTemplates } from "./templates.ts";

/** A command, and what it finds and must leave. */
export interface Scenario {
  name: string;
  argv: readonly string[];
  /** A world in which the command has not been run; always the same. */
  begin(lane: Lane): Promise<World>;
  /** The state of a world. */
  picture(world: World): Promise<Picture>;
  /** What is wrong with it, also right after a fault, which is given then. */
  unsound(world: World, fault?: Pick<Case, "call" | "kind">): Promise<string[]>;
}

/** Everything that the sweep goes through; what needs an S3 server only where there is one. */
export async function makeScenarios(ground: Ground, lane: Lane): Promise<Scenario[]> {
  const identityFile = join(ground.folder, "identity");
  const encryption = { recipients: [await newAgeKey(identityFile)], identityFile };
  const { unproven, proven, four, encrypted, large } = await makeTemplates(ground, lane, encryption);
  const make = (name: string, argv: readonly string[], beginning: Beginning, prepare?: Prepare) =>
    scenarioOf(ground, { name, argv, beginning, prepare });
  const retention = { keepDaily: 3, keepValidated: 3 };
  const local = [
    make("dump", ["dump"], proven),
    make("dump to folders", ["dump"], { config: () => ({ dump: { format: "directory" } }) }),
    make("dump encrypted", ["dump"], { config: () => ({ encryption }) }),
    make("run", ["run"], { ...four, prunes: true, config: () => ({ retention }) }),
    make("validate", ["validate"], unproven),
    make("validate by decoding", ["validate", "--level", "decode"], unproven),
    make("validate encrypted", ["validate"], { ...encrypted, config: () => ({ encryption }) }),
    make("prune", ["prune"], { ...four, prunes: true, config: () => ({ retention }) }),
    make(
      "restore",
      ["restore", "--database", "first", "--as", "restored", "--replace", "--globals", "--yes"],
      { ...proven, role: "postgres" },
      ({ lane: { cluster } }) => replaceTarget(cluster),
    ),
    make("maintain", ["maintain", "all", "--every"], { role: "postgres" }),
    make("report", ["report", "daily"], { ...proven, config: withMail }, makeMailProgram),
    make("health", ["health", "--only", "disk,folders"], proven),
    make("observe", ["observe"], { role: "postgres", config: withLog }, makeLog),
  ];
  if (ground.s3 === undefined) return local;
  const archived = await makeWorld(ground, lane, { ...large, archive: {} });
  const { code, output } = await archived.run("archive");
  if (code !== 0) throw new Error(`archive ended with ${code}:\n${output}`);
  const [id = ""] = large.before ?? [];
  const there = { archive: { prefix: archived.prefix } };
  const withGlacier = { ...large, before: [], archive: { storageClass: "GLACIER" as const } };
  return [
    ...local,
    make("archive", ["archive"], { ...large, archive: {} }),
    make("archive restore", ["archive", "restore", id], there),
    make("archive restore from Glacier", ["archive", "restore", id], withGlacier, async (world) => {
      await world.run("archive");
      await rm(world.runs, { recursive: true });
    }),
    make("archive verify", ["archive", "verify", "--all"], there),
    make("archive list", ["archive", "list"], there),
  ];
}

type Prepare = (world: World) => Promise<unknown>;

function scenarioOf(
  ground: Ground,
  {
    name,
    argv,
    beginning,
    prepare,
  }: { name: string; argv: readonly string[]; beginning: Beginning; prepare: Prepare | undefined },
): Scenario {
  const replacing = argv[0] === "restore";
  const begin = async (lane: Lane) => {
    const world = await makeWorld(ground, lane, beginning);
    await prepare?.(world);
    return world;
  };
  return {
    name,
    argv,
    begin,
    picture: async (world) =>
      new Map([
        ...(await pictureOfFiles(world)),
        ...(await pictureOfDatabases(world.lane.cluster, replacing)),
        ...(beginning.archive === undefined ? [] : await pictureOfArchive(ground, world)),
      ]),
    unsound: async (world) => [
      ...(await unsoundRuns(world)),
      ...(await lostRuns(world, beginning)),
      ...(await unsoundDatabases(world.lane.cluster, replacing)),
      ...(beginning.archive === undefined ? [] : await unsoundArchive(ground, world)),
    ],
  };
}

/** Runs that were good and are gone: where the command prunes, only such as three newer proven ones stand in for. */
async function lostRuns(world: World, { prunes = false }: Beginning): Promise<string[]> {
  const there = await runsOf(world);
  const lost = world.before.filter((run) => !there.includes(run));
  if (lost.length === 0) return [];
  const proven = await provenRuns(world);
  const isAllowed = (run: string) => prunes && proven.filter((other) => other > run).length >= 3;
  return lost.filter((run) => !isAllowed(run)).map((run) => `run ${run} is lost`);
}

function withMail(path: (name: string) => string): Partial<DbkeeperConfig> {
  const from = "dbkeeper@lab.test";
  return { channels: { emails: [{ from, to: ["a@lab.test"], program: path("sendmail") }] } };
}

function withLog(path: (name: string) => string): Partial<DbkeeperConfig> {
  return { observe: { directory: path("backup"), logFile: path("server.log") } };
}

async function makeLog({ folder }: World): Promise<void> {
  await writeFile(join(folder, "server.log"), "");
}

/** A mail program that keeps what it is given. */
async function makeMailProgram({ folder }: World): Promise<void> {
  const script = `#!/bin/sh\nexec cat >"${join(folder, "sent", "mail")}"\n`;
  await writeFile(join(folder, "sendmail"), script, { mode: 0o755 });
}
