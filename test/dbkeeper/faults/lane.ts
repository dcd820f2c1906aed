import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Credentials } from "../../../rehearsal/s3/proxy-testing.ts";
import { startAws } from "../../../rehearsal/s3/proxy-testing.ts";
import type { DbkeeperConfig } from "../../../scripts/config.ts";
import { runsFolder } from "../../../scripts/runs/runs.ts";
import { mapParallel } from "../../../scripts/system/parallel.ts";
import { backupRole, startCluster, type TestCluster } from "../../../scripts/testing/cluster.ts";
import { makeBucket, makeUsers, writerName } from "../archive-world.ts";
import { buildProgram, type Ended, type Program } from "./program.ts";
import { type FaultyGate, openFaultyGate } from "./s3-gate.ts";

const execute = promisify(execFile);

/** What all cases share. */
export interface Ground {
  program: Program;
  /** `undefined` where there is no S3 server. */
  s3:
    | { client: S3Client; gate: FaultyGate; writer: Credentials; reader: Credentials; end(): Promise<void> }
    | undefined;
  folder: string;
  close(): Promise<void>;
}

export async function prepareGround(motoServer: string | undefined): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), "dbkeeper-faults-"));
  const program = await buildProgram(folder);
  const s3 = motoServer === undefined ? undefined : await startS3(motoServer);
  return {
    program,
    s3,
    folder,
    async close() {
      await s3?.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startS3(motoServer: string): Promise<NonNullable<Ground["s3"]>> {
  const aws = await startAws(motoServer);
  const gate = await openFaultyGate(aws.plainUrl);
  await makeBucket(aws, "dumps");
  const users = await makeUsers(aws, ["dumps"]);
  const end = async () => {
    await gate.close();
    await aws.close();
  };
  // One for all: to destroy a client would cut the connections of the others.
  return { client: aws.s3(), gate, ...users, end };
}

/** A small server with two databases, on which one case after the other is tried. */
export interface Lane {
  cluster: TestCluster;
  close(): Promise<void>;
}

export async function openLane(): Promise<Lane> {
  const cluster = await startCluster(
    "shared_preload_libraries = 'pg_stat_statements'\nlog_line_prefix = '%m [%p] %e '\n",
  );
  await cluster.sql("create extension pg_stat_statements");
  await cluster.sql(`grant select on pg_authid to ${backupRole}`);
  await cluster.sql("create role astronomer login password 'of a test'");
  for (const name of ["first", "second"]) {
    await cluster.sql(`create database ${name}`);
    await cluster.sql(
      "create table rows as select i, md5(i::text) from generate_series(1, 200) i; create index on rows (i); select lo_from_bytea(0, 'large')",
      name,
    );
  }
  return { cluster, close: () => cluster.stop() };
}

/** A host with dbkeeper for one case. */
export interface World {
  lane: Lane;
  folder: string;
  /** Folder of the runs, and those that were there before. */
  runs: string;
  before: readonly string[];
  configFile: string;
  /** Prefix of its objects in the bucket. */
  prefix: string;
  /** What stands before commands, to run them as somebody else; default nothing. */
  runAs?: readonly string[];
  run(...argv: string[]): Promise<Ended>;
  remove(): Promise<void>;
}

/** What a world begins with. */
export interface Beginning {
  /** Folder that becomes the backup folder; default an empty one. */
  backup?: string | undefined;
  before?: readonly string[];
  /** Whether the command removes runs; default not. */
  prunes?: boolean;
  /** Role to connect as; default that of backups. */
  role?: string;
  /** What the configuration has beside the least; gets a path below the world's folder for a name. */
  config?: (path: (name: string) => string) => Partial<DbkeeperConfig>;
  /** Whether it knows the archive, and how; default not. */
  archive?: Partial<NonNullable<DbkeeperConfig["archive"]>>;
}

let worlds = 0;

export async function makeWorld(ground: Ground, lane: Lane, beginning: Beginning): Promise<World> {
  const folder = await mkdtemp(join(ground.folder, "world-"));
  const path = (name: string) => join(folder, name);
  for (const name of ["backup", "metrics", "temporary", "sent"]) await mkdir(path(name));
  if (beginning.backup !== undefined) await cp(beginning.backup, path("backup"), { recursive: true });
  const prefix = `${writerName}/${++worlds}`;
  const { cluster } = lane;
  const config: DbkeeperConfig = {
    cluster: {
      name: "pg01",
      socketDirectory: cluster.socketDirectory,
      port: cluster.port,
      role: beginning.role ?? backupRole,
    },
    directory: path("backup"),
    metricsFile: path("metrics/dbkeeper.prom"),
    databases: ["first", "second"],
    minimumFreeBytes: 0,
    lockWaitTimeoutSeconds: 60,
    ...(await archiveOf(ground, path, prefix, beginning)),
    ...beginning.config?.(path),
  };
  await writeFile(path("config.json"), JSON.stringify(config));
  const configFile = path("config.json");
  return {
    lane,
    folder,
    runs: runsFolder(path("backup"), "pg01"),
    before: beginning.before ?? [],
    configFile,
    prefix: config.archive?.prefix ?? prefix,
    run: (...argv) => ground.program.run([...argv, "--config", configFile], { temporary: path("temporary") }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function archiveOf(
  { s3 }: Ground,
  path: (name: string) => string,
  prefix: string,
  { archive }: Beginning,
): Promise<Pick<DbkeeperConfig, "archive">> {
  if (archive === undefined || s3 === undefined) return {};
  for (const who of ["writer", "reader"] as const) {
    await writeFile(path(`${who}.json`), JSON.stringify(s3[who]), { mode: 0o600 });
  }
  return {
    archive: {
      bucket: "dumps",
      region: "eu-central-1",
      endpoint: s3.gate.url,
      prefix,
      credentialsFile: path("writer.json"),
      readerCredentialsFile: path("reader.json"),
      partBytes: 5 * 1024 ** 2,
      connections: 1,
      ...archive,
    },
  };
}

/** A key of age in a file; gives its public half. */
export async function newAgeKey(file: string): Promise<string> {
  await execute("age-keygen", ["-o", file]);
  await chmod(file, 0o600);
  const { stdout } = await execute("age-keygen", ["-y", file]);
  return stdout.trim();
}

/** Does something with each item on the lanes, each of which takes one at a time; results in the order of the items. */
export async function onLanes<T, R>(
  lanes: readonly Lane[],
  items: readonly T[],
  work: (lane: Lane, item: T) => Promise<R>,
): Promise<R[]> {
  const free = [...lanes];
  return await mapParallel(items, lanes.length, async (item) => {
    const lane = free.pop();
    if (lane === undefined) throw new Error("no lane is free");
    try {
      return await work(lane, item);
    } finally {
      free.push(lane);
    }
  });
}
