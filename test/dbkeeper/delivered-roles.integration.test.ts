import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rolesSql } from "../../infra/databases/render.ts";
import { parseSite } from "../../infra/site.ts";
import { loadConfig } from "../../scripts/config.ts";
import { readMaintenance } from "../../scripts/maintain/result.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
} from "../../scripts/testing/cluster.ts";
import { type Keeper, newKeeper } from "../../scripts/testing/keeper.ts";
import lab from "../../stacks/lab.ts";

const major = /\/(\d+)\/bin$/.exec(serverPrograms ?? "")?.[1];

describe.skipIf(serverPrograms === undefined)(
  `the roles that a primary gets (${serverPrograms ?? skipReason})`,
  () => {
    let cluster: TestCluster;
    let keeper: Keeper;
    const database = "desi_void_desivast";

    beforeAll(async () => {
      const input = lab();
      const [first] = input.databases.postgres;
      if (first === undefined) throw new Error("the lab has no cluster");
      const postgres = [{ ...first, version: Number(major), standbys: [] }];
      const [parsed] = parseSite({ ...input, databases: { ...input.databases, postgres } }).databases
        .postgres;
      if (parsed === undefined) throw new Error("the lab has no cluster");
      cluster = await startCluster();
      const sql = rolesSql(parsed, [], "a-password");
      const deliver = () =>
        execa("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", "-"], {
          input: sql,
          env: { PGHOST: cluster.socketDirectory, PGUSER: "postgres", PGDATABASE: "postgres" },
        });
      await deliver();
      // Each delivery and each boot runs it.
      await deliver();
      await cluster.sql(
        `create table theirs (i int primary key); insert into theirs select generate_series(1, 5000);
         alter table theirs owner to desi_owner; create table postgress as select generate_series(1, 5000) as i`,
        database,
      );
      keeper = await newKeeper(cluster, { databases: [database] });
    }, 60_000);

    afterAll(async () => {
      await cluster?.stop();
      if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
    });

    const as = async (role: string, sql: string) => {
      const client = new pg.Client({
        host: cluster.socketDirectory,
        port: cluster.port,
        user: role,
        database,
      });
      await client.connect();
      try {
        return (await client.query<pg.QueryResultRow>(`set statement_timeout = 0; ${sql}`)) as unknown as [
          unknown,
          pg.QueryResult,
        ];
      } finally {
        await client.end();
      }
    };

    test("indexes of a restored copy are checked, though the role of the dumps is no superuser", async () => {
      const outcome = await keeper.run("run");
      expect(outcome.code, outcome.output).toBe(0);
      const { validation } = (await keeper.newest()).manifest;
      expect(validation?.databases[0]?.indexes).toEqual({ outcome: "passed", checked: 1, reason: null });
      const left = await cluster.sql("select datname as name from pg_database where datname ~ '^dbkeeper'");
      expect(left).toEqual([{ name: "dbkeeper_template" }]);
    }, 30_000);

    test("a template that somebody is connected to costs the check of the indexes, not the proof", async () => {
      await cluster.sql("alter database dbkeeper_template allow_connections true");
      const holder = await cluster.session("dbkeeper_template");
      const outcome = await keeper.run("validate");
      await holder.end();
      await cluster.sql("alter database dbkeeper_template allow_connections false");
      expect(outcome.code, outcome.output).toBe(0);
      expect((await keeper.newest()).manifest.validation?.databases[0]?.indexes?.outcome).toBe("not-checked");
    }, 60_000);

    test("the maintenance role cares for the tables of the site's owners and tells of the others", async () => {
      const directory = join(keeper.folder, "maintenance");
      await mkdir(directory);
      const maintain = {
        role: "clusteradmin_pg01",
        directory,
        metricsFile: join(directory, "maintenance.prom"),
      };
      await keeper.configure({ databases: [database], maintain });
      const outcome = await keeper.run("maintain", "monthly");
      expect(outcome.code, outcome.output).toBe(8);
      const { results } = (await readMaintenance(await loadConfig(keeper.configFile))) ?? {};
      expect(results?.map(({ action, name, outcome: done }) => `${action} ${name}: ${done}`)).toEqual([
        Number(major) >= 17 ? "analyze postgress: done" : "analyze postgress: not-permitted",
        "analyze theirs: done",
        "reindex theirs_pkey: done",
      ]);
      await expect(as("clusteradmin_pg01", "select from postgress")).rejects.toThrow(/permission denied/);
    }, 30_000);

    test("the backup role reads password hashes, because it reads everything, and writes nothing", async () => {
      const [, hashes] = await as(
        backupRole,
        "select rolpassword from pg_authid where rolpassword is not null",
      );
      expect(hashes.rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$/);
      await expect(as(backupRole, "delete from theirs")).rejects.toThrow(/permission denied/);
      for (const other of ["clusteradmin_pg01", "monitoring_pg01"]) {
        await expect(as(other, "select from pg_authid")).rejects.toThrow(/permission denied/);
      }
    });
  },
);
