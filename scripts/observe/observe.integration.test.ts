import { appendFile, open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import catalogue from "../../alert-rules/metrics/dbkeeper.json" with { type: "json" };
import { acquireLock } from "../system/lock.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startStandby,
  type TestCluster,
} from "../testing/cluster.ts";
import {
  type Families,
  logged,
  type Observed,
  observedCluster,
  observing,
  stopObserved,
} from "../testing/observed.ts";
import { until } from "../testing/wait.ts";
import { parts } from "./state.ts";

describe.skipIf(serverPrograms === undefined)(`observe (${serverPrograms ?? skipReason})`, () => {
  let observed: Observed;
  let cluster: TestCluster;
  let ofStandby: Observed;
  let standby: TestCluster;
  const families: Families = new Map();

  beforeAll(async () => {
    cluster = await observedCluster();
    [observed, standby] = await Promise.all([
      observing(cluster, families),
      startStandby(cluster, "cluster_name = 'proj-pg02'\nmax_standby_streaming_delay = 0\n"),
    ]);
    ofStandby = await observing(standby, families);
  }, 60_000);

  afterAll(async () => {
    await stopObserved(ofStandby);
    await stopObserved(observed);
  });

  test("a new server is seen whole, with nothing wrong", async () => {
    const seen = await observed.look();
    for (const part of parts) expect(seen.get(`success{part=${part}}`), part).toBe(1);
    expect(Object.fromEntries(seen)).toMatchObject({
      "data_checksums{}": 1,
      "superusers{}": 1,
      "in_recovery{}": 0,
      "hba_errors{}": 0,
      "settings_errors{}": 0,
      "foreign_settings{}": 0,
      "blocked_sessions{database=desi}": 0,
      "checksum_failures_total{database=desi}": 0,
    });
    expect([...seen.keys()].filter((name) => name.startsWith("changed_"))).toEqual([]);
    expect([...seen].filter(([name, value]) => name.startsWith("log_events_total") && value > 0)).toEqual([]);
  });

  test("a superuser, a rule and a setting that are new are changes, at the time they were seen", async () => {
    const before = Math.floor(Date.now() / 1000);
    await cluster.sql("create role intruder superuser");
    await appendFile(join(cluster.socketDirectory, "data/pg_hba.conf"), "host all all 0.0.0.0/0 nonsense\n");
    await cluster.sql("alter system set work_mem = '5MB'");
    await cluster.sql("alter system set max_connections = 90");
    await cluster.sql("select pg_reload_conf()");
    await until("the reload", async () => {
      const [row] = await cluster.sql("select count(*)::int as n from pg_settings where pending_restart");
      return row?.n === 1;
    });
    const { code, events } = await observed.keeper.run("observe");
    expect(code).toBe(0);
    const seen = await observed.metrics();
    for (const what of ["superusers", "hba", "settings"]) {
      expect(seen.get(`changed_timestamp_seconds{what=${what}}`), what).toBeGreaterThanOrEqual(before);
      expect(seen.get(`changes_total{what=${what}}`), what).toBe(1);
    }
    expect(events.map(({ text }) => text)).toEqual([
      "superusers have changed: + intruder",
      expect.stringMatching(/^hba have changed: \+ rule \d+$/),
      expect.stringMatching(/^settings have changed: .*\+ work_mem in .*auto\.conf/),
    ]);
    expect(Object.fromEntries(seen)).toMatchObject({
      "superusers{}": 2,
      "hba_errors{}": 1,
      "settings_errors{}": 0,
      "foreign_settings{}": 2,
      "pending_restart_settings{}": 1,
    });
    await cluster.sql("alter system reset all");
    await cluster.sql("select pg_reload_conf()");
    await cluster.sql("drop role intruder");
  });

  test("a damaged page is counted by the server and in the log", async () => {
    const before = await observed.look();
    await cluster.sql(
      "create table rows as select i, repeat('x', 100) as x from generate_series(1, 2000) i",
      "desi",
    );
    // Copied file by file, so that no page of it is in the server's memory.
    const major = Number(/\/(\d+)\/bin$/.exec(serverPrograms ?? "")?.[1]);
    await cluster.sql(`create database damaged template desi ${major >= 15 ? "strategy file_copy" : ""}`);
    const [found] = await cluster.sql("select oid from pg_database where datname = 'damaged'");
    const [table] = await cluster.sql(
      "select relfilenode as node from pg_class where relname = 'rows'",
      "damaged",
    );
    const file = await open(join(cluster.socketDirectory, `data/base/${found?.oid}/${table?.node}`), "r+");
    await file.write("damage", 8192 + 4000);
    await file.close();
    await expect(cluster.sql("select count(x) from rows", "damaged")).rejects.toThrow(/invalid page/);
    await until("the statistics", async () => {
      const [row] = await cluster.sql(
        "select checksum_failures::int as n from pg_stat_database where datname = 'damaged'",
      );
      return row?.n > 0;
    });
    const after = await observed.look();
    expect(after.get("checksum_failures_total{database=damaged}")).toBeGreaterThan(0);
    expect(after.get("checksum_last_failure_timestamp_seconds{database=damaged}")).toBeGreaterThan(
      Date.now() / 1000 - 60,
    );
    // The server warns of the page, and the statement fails.
    expect(logged(before, after, "corruption")).toBe(2);
    await cluster.sql("drop database damaged");
  });

  test("both sides of replication are seen, and its end", async () => {
    await cluster.sql("select pg_create_physical_replication_slot('unused', true)");
    await cluster.sql("create table more as select generate_series(1, 1000) i");
    await until(
      "the standby",
      async () => (await observed.look()).get("standby_lag_bytes{stage=replay,standby=proj-pg02}") === 0,
    );
    const primary = await observed.look();
    expect(Object.fromEntries(primary)).toMatchObject({
      "streaming_standbys{}": 1,
      "standby_streaming{standby=proj-pg02}": 1,
      "standby_lag_seconds{stage=replay,standby=proj-pg02}": 0,
      "slot_active{slot=unused,type=physical}": 0,
      "slot_wal_status{slot=unused,status=reserved,type=physical}": 1,
      "slot_invalidated{slot=unused,type=physical}": 0,
    });
    expect(primary.get("slot_retained_bytes{slot=unused,type=physical}")).toBeGreaterThan(0);
    const replica = await ofStandby.look();
    expect(Object.fromEntries(replica)).toMatchObject({
      "in_recovery{}": 1,
      "streaming_standbys{}": 0,
      "receiver_streaming{}": 1,
      "replay_paused{}": 0,
      "replay_pending_bytes{}": 0,
      "replay_delay_seconds{}": 0,
    });
    expect(replica.get("receiver_last_message_age_seconds{}")).toBeLessThan(60);
    expect(replica.has("unvacuumed_tables{database=postgres}")).toBe(false);
    const reader = await standby.session();
    await reader.query("begin isolation level repeatable read; select count(*) from kept");
    await cluster.sql("delete from kept");
    await cluster.sql("vacuum kept");
    await until(
      "the conflict",
      async () => logged(replica, await ofStandby.look(), "recovery_conflict") === 1,
    );
    await reader.end().catch(() => undefined);
    await standby.sql("select pg_wal_replay_pause()");
    expect((await ofStandby.look()).get("replay_paused{}")).toBe(1);
    await standby.stop();
    await until("the end", async () => (await observed.look()).get("streaming_standbys{}") === 0);
    expect((await observed.look()).has("standby_streaming{standby=proj-pg02}")).toBe(false);
    await cluster.sql("select pg_drop_replication_slot('unused')");
  });

  test("every family is as the catalogue says, and every one there was seen", async () => {
    const wanted = Object.entries(catalogue.metrics).filter(([name]) =>
      /^dbkeeper_(observed|log|last_run|runs)/.test(name),
    );
    // None here has a limit.
    const unlimited = "dbkeeper_observed_slot_safe_wal_bytes";
    const seen = [...families].map(([name, labels]) => `${name} ${[...labels].toSorted().join()}`);
    expect(seen.toSorted()).toEqual(
      wanted
        .filter(([name]) => name !== unlimited)
        .map(([name, { type, labels }]) => `${name} ${type} ${labels.toSorted().join()}`)
        .toSorted(),
    );
  });

  test("a log without SQLSTATEs, a right that is missing and a look that goes on are told of, and nothing else is lost", async () => {
    await cluster.sql("alter system set log_line_prefix = '%m [%p] '");
    await cluster.sql("select pg_reload_conf()");
    await cluster.sql(`revoke execute on function pg_hba_file_rules() from ${backupRole}`);
    await until(
      "the reload",
      async () => (await cluster.sql("show log_line_prefix"))[0]?.log_line_prefix === "%m [%p] ",
    );
    const { code, events } = await observed.keeper.run("observe");
    expect(code).toBe(3);
    expect(events.at(-1)?.text).toMatch(
      /settings: permission denied.*GRANT EXECUTE.*log: log_line_prefix is "%m \[%p\] "/,
    );
    const seen = await observed.metrics();
    expect(seen.get("success{part=settings}")).toBe(0);
    expect(seen.get("success{part=databases}")).toBe(1);
    expect(seen.has("hba_rules{}")).toBe(false);
    expect(seen.get("changes_total{what=hba}")).toBeGreaterThan(0);
    await cluster.sql(`revoke pg_monitor from ${backupRole}`);
    const blind = await observed.keeper.run("observe");
    expect(blind).toMatchObject({ code: 3 });
    expect(blind.events.at(-1)?.text).toMatch(/GRANT pg_monitor TO/);
    const lock = await acquireLock(join(observed.keeper.directory, ".dbkeeper-pg01.observe.lock"), "observe");
    expect((await observed.keeper.run("observe")).code).toBe(4);
    await lock.release();
  });
});
