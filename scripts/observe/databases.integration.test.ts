import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverPrograms, skipReason, type TestCluster } from "../testing/cluster.ts";
import { type Observed, observedCluster, observing, stopObserved } from "../testing/observed.ts";
import { until } from "../testing/wait.ts";

describe.skipIf(serverPrograms === undefined)(
  `observe inside of databases (${serverPrograms ?? skipReason})`,
  () => {
    let observed: Observed;
    let cluster: TestCluster;

    beforeAll(async () => {
      cluster = await observedCluster();
      observed = await observing(cluster);
    }, 60_000);

    afterAll(() => stopObserved(observed));

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
      await cluster.sql("create table fresh as select generate_series(1, 100) i", "desi");
      await until("the statistics", async () => {
        const [row] = await cluster.sql(
          "select n_dead_tup::int as n from pg_stat_user_tables where relname = 'dying'",
          "desi",
        );
        return row?.n === 300;
      });
      const seen = await observed.look();
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
      await until(
        "the statistics",
        async () => (await observed.look()).get("unvacuumed_tables{database=desi}") === 0,
      );
      expect((await observed.look()).get("unanalyzed_tables{database=desi}")).toBe(0);
    });

    test("who waits, who idles and what was prepared is seen, and slow statements by their mean", async () => {
      const before = await observed.look();
      const [holder, waiter] = await Promise.all([cluster.session("desi"), cluster.session("desi")]);
      await cluster.sql("begin; create table prepared (i int); prepare transaction 'one'");
      await cluster.sql("select pg_sleep(0.3)", "desi");
      await holder.query("begin; lock table sorted");
      const waiting = waiter.query("select from sorted");
      await until(
        "the wait",
        async () => ((await observed.look()).get("blocked_sessions{database=desi}") ?? 0) === 1,
      );
      const seen = await observed.look();
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
  },
);
