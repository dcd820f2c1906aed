import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverPrograms, skipReason, type TestCluster } from "../testing/cluster.ts";
import { logged, type Observed, observedCluster, observing, stopObserved } from "../testing/observed.ts";
import { until } from "../testing/wait.ts";

describe.skipIf(serverPrograms === undefined)(
  `observe the server's log (${serverPrograms ?? skipReason})`,
  () => {
    let observed: Observed;
    let cluster: TestCluster;

    beforeAll(async () => {
      cluster = await observedCluster();
      observed = await observing(cluster);
    }, 60_000);

    afterAll(() => stopObserved(observed));

    test("each kind of event in the log is counted once, through a rotation", async () => {
      const before = await observed.look();
      await cluster.sql(
        "create role limited login connection limit 0; create table locked (i int primary key, n int); insert into locked values (1), (2)",
      );
      for (const user of ["nobody", "limited"]) {
        const client = new pg.Client({
          host: cluster.socketDirectory,
          port: cluster.port,
          user,
          database: "desi",
        });
        client.on("error", () => undefined);
        await expect(client.connect()).rejects.toThrow(/does not exist|too many/);
      }
      const [one, two] = await Promise.all([cluster.session(), cluster.session()]);
      await one.query("begin; update locked set n = 1 where i = 1");
      await two.query("begin; update locked set n = 1 where i = 2");
      const both = await Promise.allSettled([
        one.query("update locked set n = 1 where i = 2"),
        two.query("update locked set n = 1 where i = 1"),
      ]);
      expect(both.filter(({ status }) => status === "rejected")).toHaveLength(1);
      await Promise.all([one.query("rollback"), two.query("rollback")]);
      await one.query("begin; lock table locked");
      await expect(two.query("set lock_timeout = '200ms'; select from locked")).rejects.toThrow(
        /lock timeout/,
      );
      await expect(
        two.query("set lock_timeout = 0; set statement_timeout = '10ms'; select pg_sleep(9)"),
      ).rejects.toThrow(/statement timeout/);
      await one.query("rollback");
      await one.query("select pg_sleep(0.12)");
      await cluster.sql("alter system set archive_command = 'false'");
      await cluster.sql("select pg_reload_conf()");
      await cluster.sql("create table archived as select 1; select pg_switch_wal()");
      await rename(observed.logFile, `${observed.logFile}.1`);
      await cluster.sql("select pg_rotate_logfile()");
      // What no test can have for real, as the server logs it.
      for (const code of ["58030", "53100", "53200", "53400", "XX002"])
        await expect(one.query(`do $$begin raise 'made' using errcode = '${code}'; end$$`)).rejects.toThrow(
          "made",
        );
      const killed = (await one.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid ?? 0;
      two.on("error", () => undefined);
      process.kill(killed, "SIGKILL");
      // Before the server has seen it, it still answers.
      await until("the log to hold the end", async () =>
        (await readFile(observed.logFile, "utf8")).includes("terminated by signal"),
      );
      await until("the server to be back", () =>
        cluster.sql("select 1").then(
          () => true,
          () => false,
        ),
      );
      await until("the archiver", async () => logged(before, await observed.look(), "archive_failed") >= 1);
      const after = await observed.look();
      const counts = Object.fromEntries(
        [...after.keys()]
          .flatMap((name) => /^log_events_total\{kind=(\w+)\}$/.exec(name)?.[1] ?? [])
          .map((kind) => [kind, logged(before, after, kind)]),
      );
      expect(counts).toMatchObject({
        failed_login: 1,
        too_many_connections: 1,
        deadlock: 1,
        lock_timeout: 1,
        statement_timeout: 1,
        io_error: 1,
        disk_full: 1,
        out_of_memory: 1,
        resource: 1,
        corruption: 1,
        crash: 1,
        panic: 0,
      });
      expect(counts.archive_failed).toBeGreaterThanOrEqual(1);
      await cluster.sql("alter system reset archive_command");
      await cluster.sql("select pg_reload_conf()");
      expect(counts.lock_wait).toBeGreaterThanOrEqual(1);
      expect(counts.slow_statement).toBeGreaterThanOrEqual(1);
      await Promise.allSettled([one.end(), two.end()]);
    });

    test("a server that panics and is gone: its log is read, its figures are missing, the last good look is known", async () => {
      await observed.keeper.run("observe");
      const before = await observed.metrics();
      const wal = join(cluster.socketDirectory, "data/pg_wal");
      await rename(wal, `${wal}.away`);
      await cluster.sql("select pg_switch_wal()").catch(() => undefined);
      await cluster.sql("create table lost as select generate_series(1, 9)").catch(() => undefined);
      await until("the end", () =>
        cluster.sql("select 1").then(
          () => false,
          () => true,
        ),
      );
      const { code, events } = await observed.keeper.run("observe");
      expect(code).toBe(5);
      expect(events.at(-1)?.text).toMatch(/^not seen: cannot connect/);
      const after = await observed.metrics();
      expect(logged(before, after, "panic")).toBeGreaterThanOrEqual(1);
      expect(after.get("success{part=log}")).toBe(1);
      expect(after.get("success{part=transactions}")).toBe(0);
      expect(after.get("timestamp_seconds{part=transactions}")).toBe(
        before.get("timestamp_seconds{part=transactions}"),
      );
      expect(
        [...after.keys()].filter((name) => name.includes("database=") && !name.startsWith("statement_")),
      ).toEqual([]);
    });
  },
);
