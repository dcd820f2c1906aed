import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acquireLock } from "../system/lock.ts";
import { serverPrograms, skipReason, type TestCluster } from "../testing/cluster.ts";
import type { Keeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";
import { type Hold, newRestoreWorld, type RestoreWorld } from "./testing.ts";

const execute = promisify(execFile);
const isRoot = process.getuid?.() === 0;

describe.skipIf(serverPrograms === undefined)(
  `restores that are interrupted (${serverPrograms ?? skipReason})`,
  () => {
    let world: RestoreWorld;
    let source: TestCluster;
    let keeper: Keeper;
    let restore: RestoreWorld["restore"];

    beforeAll(async () => {
      world = await newRestoreWorld();
      ({ keeper, restore, source } = world);
    }, 60_000);

    afterAll(() => world?.stop());

    interface Phase {
      /** Brings the restore to a halt; with its end the restore goes on. */
      halt(): Promise<Hold>;
      /** Rows of the database after the kill; 2001 are those from before the restore. */
      rows: 2000 | 2001;
    }

    const isWaiting = (statement: string) =>
      until(
        `"${statement}" to wait`,
        async () => {
          const waiting = await source.sql(
            `select from pg_stat_activity where wait_event_type = 'Lock' and query ilike '${statement}%'`,
          );
          return waiting.length > 0;
        },
        60,
      );

    /** A transaction that stays open until it is released, and what waits for it. */
    const transaction = async (sql: string, waiting: string, database?: string): Promise<Hold> => {
      const session = await source.session(database);
      await session.query(`begin; ${sql}`);
      return { reached: () => isWaiting(waiting), release: () => session.end() };
    };

    const lock = (table: string, mode: string, waiting: string, database?: string) =>
      transaction(`lock table ${table} in ${mode} mode`, waiting, database);

    /** Lets the data be restored, and takes a lock before anything else happens. */
    const afterData = async (take: (database: string) => Promise<Hold>): Promise<Hold> => {
      const data = await world.hold("data");
      let taken: Hold | undefined;
      return {
        async reached() {
          await data.reached();
          const [database = ""] = await world.unfinished(source);
          taken = await take(database);
          await data.release();
          await taken.reached();
        },
        release: async () => taken?.release(),
      };
    };

    const phases: Record<string, Phase> = {
      "it reads what it will restore": { halt: () => world.hold("definitions"), rows: 2001 },
      "it makes roles": { halt: () => lock("pg_authid", "share", "create role"), rows: 2001 },
      "it makes the database": { halt: () => lock("pg_database", "share", "create database"), rows: 2001 },
      "it has restored the data": { halt: () => world.hold("data"), rows: 2001 },
      "it compares": {
        halt: () => afterData((database) => lock("voids", "access exclusive", "analyze", database)),
        rows: 2001,
      },
      "the database takes its place": {
        // The comment is about the database, whose name waits for it.
        halt: () => afterData(() => transaction("comment on database desi is 'held'", "alter database")),
        rows: 2001,
      },
      "it tells how it ended": {
        async halt() {
          const metrics = await acquireLock(join(keeper.folder, "dbkeeper.prom.lock"), "a test");
          return {
            reached: () =>
              until(
                "the database to be in its place",
                async () => (await world.voids().catch(() => 0)) === 2000,
                60,
              ),
            release: () => metrics.release(),
          };
        },
        rows: 2000,
      },
    };

    const command = ["--database", "desi", "--globals", "--replace"];

    test.each(Object.entries(phases))(
      "killed while %s, the same command brings it to the same end",
      async (_name, { halt, rows }) => {
        await source.sql("insert into voids values (-2, 'precious')", "desi");
        const held = await halt();
        const running = world.start(...command);
        try {
          await held.reached();
        } finally {
          await running.kill();
          await held.release();
        }
        await until("the server to be done with it", async () => {
          const left = await source.sql(
            "select from pg_stat_activity where application_name like 'dbkeeper%' and datname !~ '^dbkeeper_'",
          );
          return left.length === 0;
        });
        expect(await world.voids()).toBe(rows);
        const again = await restore(...command);
        expect(again.code, again.output).toBe(0);
        expect(await world.voids()).toBe(2000);
        expect(await world.unfinished(source)).toEqual([]);
        const kept = (await world.databases(source)).filter((name) => name.startsWith("desi_replaced_"));
        // The rows from before the restore are in the first that was replaced, however often it is said again.
        expect(await world.voids(kept[0])).toBe(2001);
        expect(kept).toHaveLength(rows === 2000 ? 2 : 1);
        expect((await keeper.run("restore", "drop", "--yes", ...kept)).code).toBe(0);
      },
      120_000,
    );

    test("a server that restarts in the middle, or an interruption, leaves the database as it was", async () => {
      await source.sql("insert into voids values (-3, 'precious')", "desi");
      const held = await world.hold("data");
      const crashed = restore("--database", "desi", "--replace");
      await held.reached();
      expect((await restore("--database", "small", "--replace")).code).toBe(4);
      const [victim] = await source.sql(
        "select pid from pg_stat_activity where application_name = 'dbkeeper' limit 1",
      );
      process.kill(Number(victim?.pid), "SIGKILL");
      await held.release();
      const outcome = await crashed;
      expect(outcome.code, outcome.output).toBe(1);
      const stays = async () => {
        expect(await world.voids()).toBe(2001);
        expect(await world.unfinished(source)).toEqual([]);
      };
      await stays();

      const heldAgain = await world.hold("data");
      const controller = new AbortController();
      const argv = ["restore", "--database", "desi", "--replace", "--yes"];
      const interrupted = keeper.runUntil(controller.signal, ...argv);
      await heldAgain.reached();
      controller.abort(new Error("interrupted"));
      await heldAgain.release();
      expect((await interrupted).code).toBe(1);
      await stays();
    }, 60_000);

    test.skipIf(!isRoot)(
      "a full disk on the target fails the restore and leaves the database as it was",
      async () => {
        const disk = join(source.socketDirectory, "disk");
        await mkdir(disk);
        await execute("mount", ["-t", "tmpfs", "-o", "size=24m,mode=0777", "lab-small-disk", disk]);
        try {
          await mkdir(join(disk, "space"));
          const { stdout } = await execute("stat", ["-c", "%u:%g", join(source.socketDirectory, "data")]);
          await execute("chown", [stdout.trim(), join(disk, "space")]);
          await source.sql(`create tablespace tight location '${join(disk, "space")}'`);
          await source.sql(
            "create table large tablespace tight as select i, repeat(md5(i::text), 30) as t from generate_series(1, 14000) i",
            "small",
          );
          await world.configure({ databases: ["small"] });
          expect((await keeper.run("dump")).code).toBe(0);
          const outcome = await restore("--database", "small", "--replace", "--unvalidated");
          expect(outcome.code, outcome.output).toBe(1);
          expect(outcome.output).toContain("No space left on device");
          expect(await source.sql("select count(*)::int from large", "small")).toEqual([{ count: 14000 }]);
          expect(await world.unfinished(source)).toEqual([]);

          // The folder of a tablespace serves one server only.
          await world.configure({
            databases: ["small"],
          });
          const globals = await keeper.run(
            "restore",
            "--globals",
            "--into",
            "recovery",
            "--yes",
            "--unvalidated",
          );
          expect(globals.code, globals.output).toBe(8);
          expect(globals.output).toMatch(/statements of the globals failed.*CREATE TABLESPACE tight/s);
        } finally {
          await source.sql("drop table if exists large", "small");
          await source.sql("drop tablespace if exists tight");
          await execute("umount", [disk]);
        }
      },
      60_000,
    );
  },
);
