import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../config.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
} from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";
import { readMaintenance } from "./result.ts";
import { statisticsColumns } from "./tables.ts";

describe.skipIf(serverPrograms === undefined)(`maintain (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.sql("create database lab");
    await cluster.sql(
      `create table dirty (i int primary key, t text) with (autovacuum_enabled = false);
       create table clean (i int); insert into clean select generate_series(1, 2000);
       create table "odd ""table" (i int); insert into "odd ""table" select generate_series(1, 2000);
       alter table "odd ""table" owner to ${backupRole};`,
      "lab",
    );
    keeper = await newKeeper(cluster, { databases: ["lab"] });
  }, 60_000);

  afterEach(() => configure());

  afterAll(async () => {
    await cluster?.stop();
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  const configure = (maintain: Record<string, number> = {}, role = "postgres") =>
    keeper.configure({ databases: ["lab"], cluster: { ...keeper.cluster, role }, maintain });
  const state = async () => await readMaintenance(await loadConfig(keeper.configFile));
  const outcomes = async () =>
    ((await state())?.results ?? []).map(({ action, name, outcome }) => `${action} ${name}: ${outcome}`);
  /** 5,000 rows, of which 3,000 are dead and leave their index half empty. */
  const soil = async () => {
    await cluster.sql("truncate dirty", "lab");
    await cluster.sql("insert into dirty select i, md5(i::text) from generate_series(1, 50000) i", "lab");
    await cluster.sql("delete from dirty where i % 10 <> 0", "lab");
  };

  test("tables are chosen by need, told first and done once", async () => {
    await configure();
    await soil();
    await cluster.sql('analyze clean; analyze "odd ""table"', "lab");
    const planned = await keeper.run("maintain", "all", "--dry-run");
    expect(planned.code, planned.output).toBe(0);
    const wanted = planned.events.filter(({ event }) => event === "maintenance-planned");
    expect(wanted.map(({ action, name }) => `${action} ${name}`)).toEqual(["vacuum dirty", "analyze dirty"]);
    expect(await state()).toBeUndefined();

    const outcome = await keeper.run("maintain", "all");
    expect(outcome.code, outcome.output).toBe(0);
    expect(await outcomes()).toEqual(["vacuum dirty: done", "analyze dirty: done"]);
    expect((await state())?.bloat?.map(({ name, method }) => `${name} ${method}`)).toContain(
      "dirty estimated",
    );
    expect(
      await cluster.sql(
        "select n_dead_tup::int as dead from pg_stat_user_tables where relname = 'dirty'",
        "lab",
      ),
    ).toEqual([{ dead: 0 }]);

    expect((await keeper.run("maintain", "all")).code).toBe(0);
    expect(await outcomes()).toEqual([]);
  }, 30_000);

  test("a role does what is its own and says of everything else that it may not", async () => {
    await configure({}, backupRole);
    const outcome = await keeper.run("maintain", "vacuum", "--every");
    expect(outcome.code, outcome.output).toBe(8);
    expect(await outcomes()).toEqual([
      "vacuum clean: not-permitted",
      "vacuum dirty: not-permitted",
      'vacuum odd "table: done',
    ]);
    expect(outcome.output).toContain("pg_maintain");
  }, 30_000);

  test("a role of its own works as the tables' owners, in files of its own", async () => {
    await cluster.sql("create database owned");
    await cluster.sql(
      `create role desi_owner; create role caretaker login in role desi_owner;
       create table theirs (i int primary key, t text) with (autovacuum_enabled = false);
       insert into theirs select i, repeat(md5(i::text), 10) from generate_series(1, 10000) i;
       delete from theirs where i > 100; alter table theirs owner to desi_owner;
       create table nobodys as select i, repeat(md5(i::text), 10) from generate_series(1, 10000) i; analyze nobodys;
       grant select (${statisticsColumns.join(", ")}) on pg_catalog.pg_statistic to caretaker`,
      "owned",
    );
    const directory = join(keeper.folder, "maintenance");
    const metricsFile = join(directory, "maintenance.prom");
    await mkdir(directory);
    await keeper.configure({
      databases: ["owned"],
      maintain: { role: "caretaker", directory, metricsFile },
    });
    const outcome = await keeper.run("maintain", "weekly");
    expect(outcome.code, outcome.output).toBe(8);
    expect(await outcomes()).toEqual([
      "vacuum nobodys: not-permitted",
      "vacuum theirs: done",
      "analyze nobodys: not-permitted",
      "analyze theirs: done",
    ]);
    expect(await readdir(directory)).toEqual([".dbkeeper-pg01.maintenance.json", "maintenance.prom"]);
    const metrics = await readFile(metricsFile, "utf8");
    expect(metrics).toContain('outcome="not-permitted"} 1');
    expect(metrics).toContain('dbkeeper_maintain_dead_rows{cluster="pg01",database="owned"} 0');
    expect(metrics).toContain('dbkeeper_last_run_exit_code{cluster="pg01",command="maintain"} 8');

    const monthly = await keeper.run("maintain", "monthly");
    expect(monthly.code, monthly.output).toBe(8);
    expect(await outcomes()).toContain("reindex theirs_pkey: done");
    // Estimated without a right to read the rows.
    expect((await state())?.bloat?.map(({ name }) => name)).toContain("nobodys");
  }, 30_000);

  test("what another session holds is left out after a while", async () => {
    await configure({ lockTimeoutSeconds: 1 });
    const holder = await cluster.session("lab");
    await holder.query("begin; lock table dirty in share update exclusive mode");
    const outcome = await keeper.run("maintain", "vacuum", "--every");
    await holder.end();
    expect(outcome.code, outcome.output).toBe(8);
    expect(await outcomes()).toEqual([
      "vacuum clean: done",
      "vacuum dirty: locked",
      'vacuum odd "table: done',
    ]);
  }, 30_000);

  test("a bloated index is built anew, and what an interrupted one has left is dropped", async () => {
    await configure({ indexBloatMinimumBytes: 0 });
    await soil();
    await cluster.sql("vacuum analyze dirty", "lab");
    await cluster.sql("create extension pgstattuple", "lab");
    const holder = await cluster.session("lab");
    await holder.query("begin; lock table dirty in row exclusive mode");
    const interrupted = await cluster.session("lab");
    await interrupted.query("set lock_timeout = '100ms'");
    await expect(interrupted.query("reindex index concurrently dirty_pkey")).rejects.toThrow(/lock timeout/);
    await Promise.all([holder.end(), interrupted.end()]);
    await cluster.sql("create table own (i int); insert into own values (1), (1)", "lab");
    await expect(
      cluster.sql("create unique index concurrently not_unique on own (i)", "lab"),
    ).rejects.toThrow();

    const sizes =
      "select pg_relation_size('dirty_pkey')::int as bytes, array(select relname::text from pg_class c join pg_index x on x.indexrelid = c.oid where not indisvalid order by 1) as invalid";
    const [before] = await cluster.sql(sizes, "lab");
    expect(before?.invalid).toEqual(["dirty_pkey_ccnew", "not_unique"]);
    const outcome = await keeper.run("maintain", "reindex");
    expect(outcome.code, outcome.output).toBe(0);
    expect(await outcomes()).toEqual(["drop-leftover dirty_pkey_ccnew: done", "reindex dirty_pkey: done"]);
    expect(outcome.events.find(({ event }) => event === "invalid-index")).toMatchObject({
      index: '"public"."not_unique"',
    });
    const [after] = await cluster.sql(sizes, "lab");
    expect(after?.invalid).toEqual(["not_unique"]);
    expect(Number(after?.bytes)).toBeLessThan(Number(before?.bytes) / 4);

    await keeper.run("maintain", "bloat");
    expect((await state())?.bloat?.[0]).toMatchObject({ name: "dirty", kind: "table", method: "measured" });
  }, 30_000);

  test("a backup never waits: maintenance ends when one begins, and does not begin beside it", async () => {
    await configure({ lockTimeoutSeconds: 60 });
    const holder = await cluster.session("lab");
    await holder.query("begin; lock table dirty in access exclusive mode");
    const waiting = (count: number) =>
      until(`${count} to wait for the table`, async () => {
        const rows = await cluster.sql(
          "select from pg_stat_activity where datname = 'lab' and wait_event_type = 'Lock'",
        );
        return rows.length >= count;
      });
    const maintenance = keeper.run("maintain", "vacuum", "--every");
    await waiting(1);
    const dump = keeper.run("dump");
    const ended = await maintenance;
    expect(ended.code, ended.output).toBe(0);
    expect(ended.events.map(({ event }) => event)).toContain("maintenance-gave-way");
    expect(await outcomes()).toEqual([
      "vacuum clean: done",
      "vacuum dirty: left-out",
      'vacuum odd "table: left-out',
      "vacuum own: left-out",
    ]);
    expect((await keeper.run("maintain", "vacuum")).code).toBe(4);
    await holder.end();
    const dumped = await dump;
    expect(dumped.code, dumped.output).toBe(0);
  }, 30_000);
});
