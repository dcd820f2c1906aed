import { spawn } from "node:child_process";
import { cp, mkdir, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writeManifest } from "../runs/manifest.ts";
import { runsFolder } from "../runs/runs.ts";
import { hasCode } from "../system/files.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";

const day = 86_400_000;

describe.skipIf(serverPrograms === undefined)(`runs (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;
  let blocker: pg.Client | undefined;

  beforeAll(async () => {
    cluster = await startCluster();
    for (const name of ["first", "second"]) {
      await cluster.sql(`create database ${name}`);
      await cluster.sql("create table rows as select i, md5(i::text) from generate_series(1, 100) i", name);
    }
  }, 60_000);

  beforeEach(async () => {
    keeper = await newKeeper(cluster, { databases: ["first", "second"] });
  });

  afterEach(async () => {
    await release();
    await rm(keeper.folder, { recursive: true });
  });

  afterAll(() => cluster?.stop());

  /** Holds a lock in `second` that a dump has to wait for. */
  const block = async () => {
    blocker = await cluster.session("second");
    await blocker.query("begin; lock table rows in access exclusive mode");
  };
  const release = async () => {
    await blocker?.end();
    blocker = undefined;
  };
  /** Programs whose pg_dump is this script, in which `$real` is the true one. */
  const programsWith = async (script: string): Promise<string> => {
    const binDirectory = join(keeper.folder, "bin");
    await mkdir(binDirectory);
    for (const name of ["pg_dumpall", "pg_restore"])
      await symlink(join(serverPrograms ?? "", name), join(binDirectory, name));
    const real = join(serverPrograms ?? "", "pg_dump");
    await writeFile(join(binDirectory, "pg_dump"), `#!/bin/sh\nreal=${real}\n${script}\n`, { mode: 0o755 });
    return binDirectory;
  };
  const waiting = () =>
    until("the dump to wait for the lock", async () => {
      const rows = await cluster.sql(
        "select 1 from pg_stat_activity where datname = 'second' and application_name = 'dbkeeper' and wait_event_type = 'Lock'",
      );
      return rows.length > 0;
    });
  const names = () => namesIn(runsFolder(keeper.directory, "pg01"));

  const expectDone = async (command: string) => {
    const outcome = await keeper.run(command);
    expect(outcome.code, outcome.output).toBe(0);
  };

  /** Copies of the newest run that ended so many days ago. */
  const addOldRuns = async (...ages: number[]) => {
    const { folder, manifest } = await keeper.newest();
    for (const age of ages) {
      const finishedAt = new Date(Date.now() - age * day).toISOString();
      const id = `${finishedAt.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
      const copy = join(runsFolder(keeper.directory, "pg01"), id);
      await cp(folder, copy, { recursive: true });
      await writeManifest(copy, { ...manifest, finishedAt });
    }
  };

  test("old runs are pruned after a proven one, but three proven ones always stay", async () => {
    await expectDone("run");
    await addOldRuns(31, 40, 50, 60);
    await expectDone("run");
    const ages = (await keeper.runs()).map(({ manifest }) =>
      Math.round((Date.now() - Date.parse(manifest.finishedAt)) / day),
    );
    expect(ages).toEqual([31, 0, 0]);
  }, 30_000);

  test("a run that holds a foreign file is not pruned", async () => {
    await keeper.run("run");
    await addOldRuns(40, 41, 50);
    const [oldest] = await keeper.runs();
    await writeFile(join(oldest?.folder ?? "", "mine.txt"), "keep");
    const outcome = await keeper.run("run");
    expect(outcome.code).toBe(1);
    expect(outcome.output).toContain("mine.txt");
    expect(await names()).toContain(oldest?.id);
  }, 30_000);

  test("a database that fails leaves the others done, the exit code partial, and nothing pruned", async () => {
    await keeper.run("run");
    await addOldRuns(40, 50, 60, 70);
    await keeper.configure({ databases: ["first", "second"], lockWaitTimeoutSeconds: 1 });
    const success = sample(await keeper.metrics(), "dbkeeper_last_success_timestamp_seconds", "second");
    await block();
    const outcome = await keeper.run("run");
    expect(outcome.code).toBe(8);
    const { manifest } = await keeper.newest();
    expect(manifest.databases.map(({ name }) => name)).toEqual(["first"]);
    expect(manifest.failed[0]?.reason).toMatch(/lock/);
    expect(await readdir((await keeper.newest()).folder)).toHaveLength(3);
    expect(await keeper.runs()).toHaveLength(6);
    const metrics = await keeper.metrics();
    expect(sample(metrics, "dbkeeper_last_success_timestamp_seconds", "second")).toBe(success);
    expect(sample(metrics, "dbkeeper_last_run_success", "run")).toBe(0);
    const status = await keeper.run("status");
    expect(JSON.parse(status.output)).toMatchObject({
      lastValidated: (await keeper.runs())[4]?.manifest.finishedAt,
    });
  }, 30_000);

  test("a database that is written to all the time is held against what it was when it was dumped", async () => {
    const writer = await cluster.session("first");
    await writer.query(
      "create table busy (i int primary key, t text); insert into busy select i, md5(i::text) from generate_series(1, 500) i; select lo_from_bytea(4242, 'plate')",
    );
    let stop = false;
    const writing = (async () => {
      for (let i = 501; !stop; i++) {
        await writer.query(`insert into busy values (${i}, 'new'); delete from busy where i = ${i} - 250`);
        await writer.query(`update busy set t = t || 'x' where i % 50 = ${i} % 50`);
        await writer.query(`select lo_put(4242, 0, '${i}')`);
      }
    })();
    const outcome = await keeper.run("run");
    stop = true;
    await writing;
    const [now] = await cluster.sql("select max(i)::int as newest from busy", "first");
    await writer.query("drop table busy; select lo_unlink(4242)");
    await writer.end();
    expect(outcome.code, outcome.output).toBe(0);
    const { content } = (await keeper.newest()).manifest.databases[0] ?? {};
    // The source had moved on before the restored copy was looked at.
    expect(content?.tables.find(({ name }) => name === "busy")?.rows).toBe(500);
    expect(Number(now?.newest)).toBeGreaterThan(510);
  }, 30_000);

  test("a dump that misses a row, or has one of later, is refused, and nothing is pruned for it", async () => {
    await keeper.run("run");
    await addOldRuns(40, 50, 60, 70);
    // As if its snapshot were not that of the counting: the row changes in between.
    const binDirectory = await programsWith(
      `args=; for arg; do case "$arg" in --snapshot=*) ;; *) args="$args $arg" ;; esac; done
case "$*" in
*first*) psql --quiet --host=${cluster.socketDirectory} --username=postgres --dbname=first --command="delete from rows where i = 50" ;;
*second*) psql --quiet --host=${cluster.socketDirectory} --username=postgres --dbname=second --command="update rows set md5 = 'later' where i = 50" ;;
esac
exec $real $args`,
    );
    await keeper.configure({ databases: ["first", "second"], cluster: { ...keeper.cluster, binDirectory } });
    const outcome = await keeper.run("run");
    for (const name of ["first", "second"])
      await cluster.sql(
        "drop table rows; create table rows as select i, md5(i::text) from generate_series(1, 100) i",
        name,
      );
    expect(outcome.code, outcome.output).toBe(6);
    const reasons = (await keeper.newest()).manifest.validation?.databases.map(({ reason }) => reason);
    expect(reasons).toEqual([
      'the restored copy differs from the source: table "public"."rows" has 99 rows instead of 100',
      'the restored copy differs from the source: table "public"."rows" has 100 rows, but with other content',
    ]);
    expect(await keeper.runs()).toHaveLength(6);
  }, 30_000);

  test("a second command at the same time is told that the cluster is busy", async () => {
    await block();
    const first = keeper.run("run");
    await waiting();
    const second = await keeper.run("dump");
    expect(second.code).toBe(4);
    expect(second.output).toMatch(/"run\\?" works on this cluster/);
    await release();
    expect((await first).code).toBe(0);
  }, 30_000);

  test("an interrupted dump ends its children and leaves nothing", async () => {
    await block();
    const controller = new AbortController();
    const running = keeper.runUntil(controller.signal, "run");
    await waiting();
    controller.abort(new Error("interrupted"));
    expect((await running).code).toBe(1);
    expect(await names()).toEqual([]);
    expect((await readdir(keeper.directory)).toSorted()).toEqual(["full", "history"]);
  }, 30_000);

  test("a killed dump leaves nothing under a final name, and the next run clears up after it", async () => {
    await block();
    const main = new URL("../main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, "run", "--config", keeper.configFile], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await waiting();
    child.kill("SIGKILL");
    await ended;
    expect(await names()).toEqual([expect.stringMatching(/^\..*\.partial$/)]);
    await expectDone("status");
    await release();
    await expectDone("run");
    expect(await names()).toEqual([expect.stringMatching(/^\d{8}T\d{6}Z$/)]);
  }, 30_000);

  const children = {
    "is ended by a signal in the middle": "head -c 3000 | cat; kill -TERM $$",
    "fails in the middle": "head -c 3000; exit 1",
    "writes nothing and says that all is well": "cat > /dev/null",
  };

  test.each(Object.entries(children))("a pg_dump that %s fails its database", async (_how, ending) => {
    const binDirectory = await programsWith(
      `case "$*" in *second*) $real "$@" | { ${ending}; } ;; *) exec $real "$@" ;; esac`,
    );
    await keeper.configure({ databases: ["first", "second"], cluster: { ...keeper.cluster, binDirectory } });
    expect((await keeper.run("dump")).code).toBe(8);
    const { manifest, folder } = await keeper.newest();
    expect(manifest.failed.map(({ name }) => name)).toEqual(["second"]);
    expect((await readdir(folder)).filter((name) => name.startsWith("second"))).toEqual([]);
  });

  test("a server that does not answer is told apart, and the last good values stay", async () => {
    await keeper.run("run");
    const before = await keeper.metrics();
    const config = { name: "pg01", socketDirectory: keeper.folder, role: "nobody" };
    await keeper.configure({ cluster: config });
    const outcome = await keeper.run("run");
    expect(outcome.code).toBe(5);
    const after = await keeper.metrics();
    for (const name of [
      "dbkeeper_last_success_timestamp_seconds",
      "dbkeeper_last_validated_timestamp_seconds",
    ]) {
      expect(sample(after, name, "first")).toBe(sample(before, name, "first"));
    }
    expect(after).not.toContain("offsite");
  }, 30_000);

  test("a backup folder whose disk is not mounted is refused, never created, and its samples stay", async () => {
    await keeper.run("run");
    await keeper.configure({ directory: join(keeper.folder, "unmounted") });
    expect((await keeper.run("run")).code).toBe(3);
    await expect(stat(join(keeper.folder, "unmounted"))).rejects.toThrow();
    expect(
      sample(await keeper.metrics(), "dbkeeper_last_validated_timestamp_seconds", "first"),
    ).toBeGreaterThan(0);
  }, 30_000);

  test("a dump that would not leave the space that must stay free is refused before it starts", async () => {
    await keeper.configure({ minimumFreeBytes: Number.MAX_SAFE_INTEGER });
    expect((await keeper.run("run")).code).toBe(3);
    expect(await names()).toEqual([]);
  });

  test("an unfinished folder of another name is left alone", async () => {
    const foreign = join(runsFolder(keeper.directory, "pg01"), ".mine.partial");
    await mkdir(foreign, { recursive: true });
    await keeper.run("dump");
    expect(await names()).toContain(".mine.partial");
  });
});

/** The value of the sample that carries this label value. */
function sample(text: string, name: string, label: string): number | undefined {
  const line = text
    .split("\n")
    .find((candidate) => candidate.startsWith(`${name}{`) && candidate.includes(`"${label}"`));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
