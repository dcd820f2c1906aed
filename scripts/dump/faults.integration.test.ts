import { execFile } from "node:child_process";
import { readdir, rm, statfs } from "node:fs/promises";
import { promisify } from "node:util";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runsFolder } from "../runs/runs.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";

const execute = promisify(execFile);

describe.skipIf(serverPrograms === undefined)(`faults in a dump (${serverPrograms ?? skipReason})`, () => {
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
    await blocker?.end();
    blocker = undefined;
    await rm(keeper.folder, { recursive: true });
  });

  afterAll(() => cluster?.stop());

  /** Starts a dump and returns the server process that it waits for a lock with, in the middle of `second`. */
  const startBlocked = async (program: "dbkeeper" | "dbkeeper client", ...options: string[]) => {
    blocker = await cluster.session("second");
    await blocker.query("begin; lock table rows in access exclusive mode");
    const running = keeper.run("dump", ...options);
    let pid = 0;
    await until("the dump to wait for the lock", async () => {
      const rows = await cluster.sql(
        `select pid from pg_stat_activity where datname = 'second' and application_name = '${program}' and wait_event_type = 'Lock'`,
      );
      pid = Number(rows[0]?.pid ?? 0);
      return pid !== 0;
    });
    return { running, pid };
  };

  const expectWhole = async (...options: string[]) => {
    const outcome = await keeper.run("dump", ...options);
    expect(outcome.code, outcome.output).toBe(0);
    expect((await keeper.newest()).manifest.databases.map(({ name }) => name)).toEqual(["first", "second"]);
    expect(await partials()).toEqual([]);
  };
  const partials = async () =>
    (await readdir(runsFolder(keeper.directory, "pg01"))).filter((name) => name.startsWith("."));

  test.each([
    ["our own", "dbkeeper", []],
    ["pg_dump's", "dbkeeper client", ["--no-fingerprint"]],
  ] as const)(
    "%s connection is cut: that database fails, the other is kept",
    async (_whose, program, options) => {
      const { running, pid } = await startBlocked(program, ...options);
      await cluster.sql(`select pg_terminate_backend(${pid})`);
      const outcome = await running;
      expect(outcome.code, outcome.output).toBe(8);
      const { manifest, folder } = await keeper.newest();
      expect(manifest.failed).toMatchObject([{ name: "second", reason: expect.stringMatching(/terminat/) }]);
      expect((await readdir(folder)).toSorted()).toEqual(["first.dump.zst", "globals.sql", "manifest.json"]);
      await blocker?.query("rollback");
      await expectWhole(...options);
    },
    30_000,
  );

  test("the server restarts: nothing is left, and the next run is whole", async () => {
    await keeper.configure({ databases: ["second"] });
    const { running, pid } = await startBlocked("dbkeeper client", "--no-fingerprint");
    // The server answers the violent end of one of its processes by ending all others and starting again.
    process.kill(pid, "SIGKILL");
    const outcome = await running;
    expect([1, 5]).toContain(outcome.code);
    expect(await readdir(runsFolder(keeper.directory, "pg01"))).toEqual([]);
    await until("the server to be back", () =>
      cluster.sql("select 1").then(
        () => true,
        () => false,
      ),
    );
    await keeper.configure({ databases: ["first", "second"] });
    await expectWhole();
  }, 40_000);

  test.skipIf(process.getuid?.() !== 0).each(["custom", "directory"] as const)(
    "the disk is full in the middle of a dump in format %s: what is good stays, and room is all it needs",
    async (format) => {
      const { directory } = keeper;
      await execute("mount", ["-t", "tmpfs", "-o", "size=64m", "dbkeeper-small", directory]);
      try {
        await keeper.configure({ databases: ["first", "second"], dump: { format } });
        await expectWhole();
        await cluster.sql(
          "create table large as select string_agg(md5(random()::text), '') from generate_series(1, 60000) i group by i % 100",
          "second",
        );
        await execute("mount", ["-o", `remount,size=${(await usedKibibytes(directory)) + 300}k`, directory]);
        const outcome = await keeper.run("dump");
        expect(outcome.code, outcome.output).toBe(8);
        const [before, newest] = await keeper.runs();
        expect(before?.manifest.failed).toEqual([]);
        expect(newest?.manifest.databases.map(({ name }) => name)).toEqual(["first"]);
        expect(newest?.manifest.failed).toMatchObject([
          { name: "second", reason: expect.stringMatching(/no space left/i) },
        ]);
        expect(await partials()).toEqual([]);
        await execute("mount", ["-o", "remount,size=64m", directory]);
        await expectWhole();
      } finally {
        await execute("umount", ["--lazy", directory]);
        await cluster.sql("drop table if exists large", "second");
      }
    },
    30_000,
  );
});

async function usedKibibytes(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder);
  return ((blocks - bfree) * bsize) / 1024;
}
