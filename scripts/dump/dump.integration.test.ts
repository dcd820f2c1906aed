import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isValidated, type Manifest } from "../runs/manifest.ts";
import { runsFolder, startRun } from "../runs/runs.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { hashFile } from "./file.ts";

const never = new AbortController().signal;

describe.skipIf(serverPrograms === undefined)(`dumps (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;

  beforeAll(async () => {
    cluster = await startCluster();
    for (const name of ["proj_a", "proj_b", "web"]) await cluster.sql(`create database ${name}`);
    await cluster.sql(
      `create table galaxies as select i, md5(i::text) as name from generate_series(1, 5000) i; analyze galaxies;
       create table fresh as select 1 as i; create table "odd ""\n" (); select lo_from_bytea(0, '\\xab')`,
      "proj_a",
    );
  }, 60_000);

  beforeEach(async () => {
    keeper = await newKeeper(cluster);
  });

  afterEach(() => rm(keeper.folder, { recursive: true }));

  afterAll(() => cluster?.stop());

  const dumped = async (...options: string[]): Promise<Manifest> => {
    const outcome = await keeper.run("dump", ...options);
    expect(outcome.code, outcome.output).toBe(0);
    return (await keeper.newest()).manifest;
  };

  test("globs on the command line choose, whatever is configured", async () => {
    await keeper.configure({ databases: ["web"] });
    const { databases, skipped } = await dumped("--database", "proj_*", "--database", "!*_b");
    expect(databases.map(({ name }) => name)).toEqual(["proj_a"]);
    expect(skipped).toEqual([{ name: "proj_b", reason: "is left out by !*_b" }]);
  });

  test("a dump without counted rows says what the planner thought, and never counts as proven", async () => {
    const { databases } = await dumped("--no-fingerprint", "--database", "proj_a");
    expect(databases[0]).toMatchObject({
      content: null,
      rowEstimates: [
        { schema: "public", name: "fresh", rows: null },
        { schema: "public", name: "galaxies", rows: 5000 },
        { schema: "public", name: 'odd "\n', rows: null },
      ],
    });
    expect((await keeper.run("validate")).code).toBe(0);
    expect(isValidated((await keeper.newest()).manifest)).toBe(false);
  }, 30_000);

  test("a directory's files are each recorded and their owner's only, and it is proven like others", async () => {
    await keeper.configure({ databases: ["proj_*"], dump: { format: "directory" }, jobs: 3 });
    const outcome = await keeper.run("run");
    expect(outcome.code, outcome.output).toBe(0);
    const { manifest, folder } = await keeper.newest();
    expect(isValidated(manifest)).toBe(true);
    const files = manifest.databases.find(({ name }) => name === "proj_a")?.files ?? [];
    const onDisk = (await readdir(join(folder, "proj_a.dir"))).toSorted().map((name) => `proj_a.dir/${name}`);
    expect(files.map(({ file }) => file)).toEqual(onDisk);
    expect(onDisk).toContain("proj_a.dir/toc.dat");
    for (const { file, sizeBytes, sha256 } of files) {
      expect(await hashFile(join(folder, file), never)).toEqual({ sizeBytes, sha256 });
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    }
  }, 30_000);

  test("how near its sequences are to their ends is in the manifest and the metrics of each database", async () => {
    await cluster.sql(
      `create table small (id smallserial); select setval('small_id_seq', 16384);
       create sequence for_an_integer; create table narrow (id int default nextval('for_an_integer'));
       alter sequence for_an_integer owned by narrow.id; select setval('for_an_integer', 1717986918);
       create sequence falling increment -1 minvalue -10; select setval('falling', -3);
       create sequence round maxvalue 10 cycle; select setval('round', 10);
       create sequence nearly maxvalue 10; create sequence unused`,
      "proj_b",
    );
    const { databases } = await dumped("--database", "proj_*");
    const used = Object.fromEntries(databases.map((entry) => [entry.name, entry.sequencesUsedRatio]));
    // The column that it fills is half as wide as the sequence.
    expect(used).toEqual({ proj_a: 0, proj_b: expect.closeTo(0.8, 6) });
    expect(await keeper.metrics()).toMatch(
      /^dbkeeper_sequence_used_ratio\{cluster="pg01",database="proj_b"\} 0\.8/m,
    );
    await cluster.sql("drop table small, narrow; drop sequence falling, round, nearly, unused", "proj_b");
  });

  test("a dry run tells the plan and changes nothing", async () => {
    const started = await startRun(keeper.directory, "pg01", new Date());
    const outcome = await keeper.run("dump", "--dry-run", "--database", "proj_*", "--database", "nowhere");
    expect(outcome.code).toBe(0);
    const planned = outcome.events.filter(({ event }) => event === "dump-planned");
    expect(planned.map(({ database }) => database).toSorted()).toEqual(["proj_a", "proj_b"]);
    expect(outcome.events.map(({ event }) => event)).toContain("run-planned");
    expect(outcome.events.find(({ event }) => event === "dump-failed")).toMatchObject({
      database: "nowhere",
    });
    expect(await readdir(keeper.folder)).toEqual(["backup", "config.json"]);
    expect(await readdir(keeper.directory)).toEqual(["full"]);
    expect(await readdir(runsFolder(keeper.directory, "pg01"))).toEqual([`.${started.id}.partial`]);
  });

  test("password hashes are in no run that is not encrypted, and the run says so", async () => {
    await cluster.sql("create role with_password login password 'hunter22'");
    const outcome = await keeper.run("dump", "--database", "web");
    expect(outcome.events.map(({ event }) => event)).toContain("role-passwords-skipped");
    const { folder, manifest } = await keeper.newest();
    expect(manifest.rolePasswords).toBeNull();
    const globals = await readFile(join(folder, manifest.globals.file), "utf8");
    expect(globals).toContain("with_password");
    expect(globals).not.toContain("SCRAM");
  });
});
