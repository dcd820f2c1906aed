import { appendFile, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import catalogue from "../../alert-rules/metrics/dbkeeper.json" with { type: "json" };
import { acquireLock } from "../system/lock.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  startStandby,
  type TestCluster,
} from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";
import { parts } from "./state.ts";

const settings = `shared_preload_libraries = 'pg_stat_statements'
logging_collector = on
log_directory = 'log'
log_filename = 'server.log'
log_min_messages = warning
log_line_prefix = '%m [%p] %e %q%u@%d '
log_lock_waits = on
log_min_duration_statement = 100
deadlock_timeout = 50
max_prepared_transactions = 4
wal_level = logical
archive_mode = on
archive_command = 'true'
`;

/** Samples of metrics files, by their text up to the value. */
type Seen = ReadonlyMap<string, number>;

describe.skipIf(serverPrograms === undefined)(`observe (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;
  let standby: TestCluster;
  let ofStandby: Keeper;
  /** Families that were seen in any look, with their labels. */
  const families = new Map<string, Set<string>>();

  const configured = async (of: TestCluster) =>
    newKeeper(of, { observe: { logFile: logOf(of), rowMinimum: 100, timeoutSeconds: 20 } });

  beforeAll(async () => {
    cluster = await startCluster(settings, serverPrograms, ["--data-checksums"]);
    await cluster.sql(
      "create extension pg_stat_statements; create table kept as select generate_series(1, 1000) i",
    );
    await cluster.sql(
      `grant execute on function pg_hba_file_rules(), pg_show_all_file_settings() to ${backupRole}`,
    );
    await cluster.sql("create database desi");
    [keeper, standby] = await Promise.all([
      configured(cluster),
      startStandby(cluster, "cluster_name = 'proj-pg02'\nmax_standby_streaming_delay = 0\n"),
    ]);
    ofStandby = await configured(standby);
  }, 60_000);

  afterAll(async () => {
    await standby?.stop();
    await cluster?.stop();
    for (const one of [keeper, ofStandby]) if (one !== undefined) await rm(one.folder, { recursive: true });
  });

  const logOf = ({ socketDirectory }: TestCluster) => join(socketDirectory, "data/log/server.log");

  const metricsOf = async ({ folder }: Keeper): Promise<Seen> => {
    const text = await readFile(join(folder, "dbkeeper-observe.prom"), "utf8");
    const types = new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
    );
    const seen = new Map<string, number>();
    for (const [, name = "", labels = "", value] of text.matchAll(/^([a-z_]+)\{(.*)\} (\S+)$/gm)) {
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
      const named = [...labels.matchAll(/(\w+)="/g)].map(([, label = ""]) => label);
      const known = families.get(`${family} ${types.get(family)}`) ?? new Set();
      for (const label of named.filter((label) => !["cluster", "le"].includes(label))) known.add(label);
      families.set(`${family} ${types.get(family)}`, known);
      expect(labels).toContain('cluster="pg01"');
      const short = labels.replace(/cluster="pg01",?/, "").replaceAll('"', "");
      seen.set(`${name.replace(/^dbkeeper_(observed_)?/, "")}{${short}}`, Number(value));
    }
    return seen;
  };

  const look = async (of = keeper) => {
    const { code, output } = await of.run("observe");
    expect(code, output).toBe(0);
    return await metricsOf(of);
  };

  /** What has been logged between two looks. */
  const logged = (before: Seen, after: Seen, kind: string) =>
    (after.get(`log_events_total{kind=${kind}}`) ?? 0) - (before.get(`log_events_total{kind=${kind}}`) ?? 0);

  test("a new server is seen whole, with nothing wrong", async () => {
    const seen = await look();
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
    const { code, events } = await keeper.run("observe");
    expect(code).toBe(0);
    const seen = await metricsOf(keeper);
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

  test("each kind of event in the log is counted once, through a rotation", async () => {
    const before = await look();
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
    await expect(two.query("set lock_timeout = '200ms'; select from locked")).rejects.toThrow(/lock timeout/);
    await expect(
      two.query("set lock_timeout = 0; set statement_timeout = '10ms'; select pg_sleep(9)"),
    ).rejects.toThrow(/statement timeout/);
    await one.query("rollback");
    await one.query("select pg_sleep(0.12)");
    await cluster.sql("alter system set archive_command = 'false'");
    await cluster.sql("select pg_reload_conf()");
    await cluster.sql("create table archived as select 1; select pg_switch_wal()");
    await rename(logOf(cluster), `${logOf(cluster)}.1`);
    await cluster.sql("select pg_rotate_logfile()");
    // What no test can have for real, as the server logs it.
    for (const code of ["58030", "53100", "53200", "53400", "XX002"])
      await expect(one.query(`do $$begin raise 'made' using errcode = '${code}'; end$$`)).rejects.toThrow(
        "made",
      );
    const killed = (await one.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid ?? 0;
    two.on("error", () => undefined);
    process.kill(killed, "SIGKILL");
    await until("the server to be back", () =>
      cluster.sql("select 1").then(
        () => true,
        () => false,
      ),
    );
    await until("the log to hold the end", async () =>
      (await readFile(logOf(cluster), "utf8")).includes("terminated by signal"),
    );
    await until("the archiver", async () => logged(before, await look(), "archive_failed") >= 1);
    const after = await look();
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

  test("a damaged page is counted by the server and in the log", async () => {
    const before = await look();
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
    const after = await look();
    expect(after.get("checksum_failures_total{database=damaged}")).toBeGreaterThan(0);
    expect(after.get("checksum_last_failure_timestamp_seconds{database=damaged}")).toBeGreaterThan(
      Date.now() / 1000 - 60,
    );
    // The server warns of the page, and the statement fails.
    expect(logged(before, after, "corruption")).toBe(2);
    await cluster.sql("drop database damaged");
  });

  test("what is wrong inside of a database is seen in each", async () => {
    await cluster.sql("create table doubled as select 1 as i from generate_series(1, 2)", "desi");
    await expect(cluster.sql("create unique index concurrently on doubled (i)", "desi")).rejects.toThrow(
      /could not create/,
    );
    await cluster.sql(
      "create collation old (provider = icu, locale = 'de'); create table sorted (t text collate old)",
      "desi",
    );
    await cluster.sql("update pg_collation set collversion = '1' where collname = 'old'", "desi");
    await cluster.sql("update pg_database set datcollversion = '1' where datname = 'desi'");
    await cluster.sql("create table dying as select generate_series(1, 500) i", "desi");
    await cluster.sql("delete from dying where i > 200", "desi");
    await until("the statistics", async () => {
      const [row] = await cluster.sql(
        "select n_dead_tup::int as n from pg_stat_user_tables where relname = 'dying'",
        "desi",
      );
      return row?.n === 300;
    });
    const seen = await look();
    expect(Object.fromEntries(seen)).toMatchObject({
      "invalid_indexes{database=desi}": 1,
      "invalid_indexes{database=postgres}": 0,
      "outdated_collations{database=desi}": 1,
      "collation_mismatch{database=desi}": 1,
      "collation_mismatch{database=template0}": 0,
      "unvacuumed_tables{database=desi}": 1,
      "unanalyzed_tables{database=desi}": 2,
      "dead_row_ratio{database=desi}": 0.6,
    });
    await cluster.sql("vacuum analyze", "desi");
    await until("the statistics", async () => (await look()).get("unvacuumed_tables{database=desi}") === 0);
    expect((await look()).get("unanalyzed_tables{database=desi}")).toBe(0);
  });

  test("who waits, who idles and what was prepared is seen, and slow statements by their mean", async () => {
    const before = await look();
    const [holder, waiter] = await Promise.all([cluster.session("desi"), cluster.session("desi")]);
    await cluster.sql("begin; create table prepared (i int); prepare transaction 'one'");
    await cluster.sql("select pg_sleep(0.3)", "desi");
    await holder.query("begin; lock table sorted");
    const waiting = waiter.query("select from sorted");
    await until("the wait", async () => ((await look()).get("blocked_sessions{database=desi}") ?? 0) === 1);
    const seen = await look();
    for (const name of [
      "longest_lock_wait_seconds{database=desi}",
      "oldest_transaction_seconds{database=desi}",
      "oldest_idle_in_transaction_seconds{database=desi}",
      "oldest_prepared_transaction_seconds{database=postgres}",
      "oldest_xmin_age_transactions{holder=prepared}",
    ])
      expect(seen.get(name), name).toBeGreaterThan(0);
    expect(seen.get("prepared_transactions{database=postgres}")).toBe(1);
    expect(seen.get("xid_age_transactions{database=desi}")).toBeGreaterThan(0);
    await holder.query("rollback");
    await waiting;
    await cluster.sql("rollback prepared 'one'");
    await Promise.all([holder.end(), waiter.end()]);
    const bucket = (le: string) => `statement_duration_seconds_bucket{database=desi,le=${le}}`;
    const more = (le: string) => (seen.get(bucket(le)) ?? 0) - (before.get(bucket(le)) ?? 0);
    expect(more("0.5") - more("0.25")).toBe(1);
  });

  test("both sides of replication are seen, and its end", async () => {
    await cluster.sql("select pg_create_physical_replication_slot('unused', true)");
    await cluster.sql("create table more as select generate_series(1, 1000) i");
    await until(
      "the standby",
      async () => (await look()).get("standby_lag_bytes{stage=replay,standby=proj-pg02}") === 0,
    );
    const primary = await look();
    expect(Object.fromEntries(primary)).toMatchObject({
      "streaming_standbys{}": 1,
      "standby_streaming{standby=proj-pg02}": 1,
      "standby_lag_seconds{stage=replay,standby=proj-pg02}": 0,
      "slot_active{slot=unused,type=physical}": 0,
      "slot_wal_status{slot=unused,status=reserved,type=physical}": 1,
      "slot_invalidated{slot=unused,type=physical}": 0,
    });
    expect(primary.get("slot_retained_bytes{slot=unused,type=physical}")).toBeGreaterThan(0);
    const replica = await look(ofStandby);
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
      async () => logged(replica, await look(ofStandby), "recovery_conflict") === 1,
    );
    await reader.end().catch(() => undefined);
    await standby.sql("select pg_wal_replay_pause()");
    expect((await look(ofStandby)).get("replay_paused{}")).toBe(1);
    await standby.stop();
    await until("the end", async () => (await look()).get("streaming_standbys{}") === 0);
    expect((await look()).has("standby_streaming{standby=proj-pg02}")).toBe(false);
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
    const { code, events } = await keeper.run("observe");
    expect(code).toBe(3);
    expect(events.at(-1)?.text).toMatch(
      /settings: permission denied.*GRANT EXECUTE.*log: log_line_prefix is "%m \[%p\] "/,
    );
    const seen = await metricsOf(keeper);
    expect(seen.get("success{part=settings}")).toBe(0);
    expect(seen.get("success{part=databases}")).toBe(1);
    expect(seen.has("hba_rules{}")).toBe(false);
    expect(seen.get("changes_total{what=hba}")).toBeGreaterThan(0);
    await cluster.sql(`revoke pg_monitor from ${backupRole}`);
    const blind = await keeper.run("observe");
    expect(blind).toMatchObject({ code: 3 });
    expect(blind.events.at(-1)?.text).toMatch(/GRANT pg_monitor TO/);
    const lock = await acquireLock(join(keeper.directory, ".dbkeeper-pg01.observe.lock"), "observe");
    expect((await keeper.run("observe")).code).toBe(4);
    await lock.release();
  });

  test("a server that panics and is gone: its log is read, its figures are missing, the last good look is known", async () => {
    await cluster.sql(`grant pg_monitor to ${backupRole}`);
    await cluster.sql("alter system reset all");
    await cluster.sql("select pg_reload_conf()");
    await keeper.run("observe");
    const before = await metricsOf(keeper);
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
    const { code, events } = await keeper.run("observe");
    expect(code).toBe(5);
    expect(events.at(-1)?.text).toMatch(/^not seen: cannot connect/);
    const after = await metricsOf(keeper);
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
});
