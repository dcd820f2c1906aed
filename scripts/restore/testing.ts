import { execFile, spawn } from "node:child_process";
import { access, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DbkeeperConfig } from "../config.ts";
import { backupRole, serverPrograms, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";

const execute = promisify(execFile);
const programs = serverPrograms ?? "";

/** Servers with a proven run of `lab "odd`, `desi` (2000 rows in `voids`) and `small`, and what tests do with them. */
export interface RestoreWorld {
  source: TestCluster;
  /** An empty server, the target `recovery`. */
  recovery: TestCluster;
  keeper: Keeper;
  /** Restores without a question. */
  restore(...argv: string[]): ReturnType<Keeper["run"]>;
  /** Restores in a process of its own, that can be killed. */
  start(...argv: string[]): { kill(): Promise<void> };
  /** What restores that did not end have left. */
  unfinished(cluster: TestCluster): Promise<string[]>;
  databases(cluster: TestCluster): Promise<string[]>;
  /** Everything that pg_dump says about a database, under a name that does not differ. */
  schemaOf(cluster: TestCluster, database: string, as: string): Promise<string>;
  /** Rows of `voids` in `desi` or another database. */
  voids(database?: string): Promise<number>;
  configure(more: Partial<DbkeeperConfig>): Promise<void>;
  /** Has pg_restore wait: before it reads a dump's definitions, or once it has restored all of a database. */
  hold(moment: "definitions" | "data"): Promise<Hold>;
  stop(): Promise<void>;
}

/** Something that stands still. */
export interface Hold {
  reached(): Promise<void>;
  release(): Promise<void>;
}

/** Makes a {@link RestoreWorld}. */
export async function newRestoreWorld(): Promise<RestoreWorld> {
  const [source, recovery] = await Promise.all([startCluster(), startCluster()]);
  await source.sql(roles);
  await source.sql(`create database "lab ""odd" owner keeper`);
  await source.sql(everything, 'lab "odd');
  await source.sql("create database desi");
  await source.sql("create database small");
  await source.sql("create table voids as select i, md5(i::text) from generate_series(1, 2000) i", "desi");
  await source.sql("create table t as select 1 as a", "small");
  const targets = {
    restore: { targets: { recovery: { socketDirectory: recovery.socketDirectory, role: "postgres" } } },
  };
  const keeper = await newKeeper(source);
  const binDirectory = await heldPrograms(keeper.folder);
  const configure = (more: Partial<DbkeeperConfig>) =>
    keeper.configure({ cluster: { ...keeper.cluster, binDirectory }, ...targets, ...more });
  await configure({
    dump: { format: "directory" },
    restoreInto: { socketDirectory: source.socketDirectory, role: "postgres" },
  });
  const outcome = await keeper.run("run");
  if (outcome.code !== 0) throw new Error(`the run failed: ${outcome.output}`);
  const databases = async (cluster: TestCluster) =>
    (await cluster.sql("select datname from pg_database order by 1")).map(({ datname }) => String(datname));
  return {
    source,
    recovery,
    keeper,
    configure,
    databases,
    restore: (...argv) => keeper.run("restore", "--yes", ...argv),
    start(...argv) {
      const main = new URL("../main.ts", import.meta.url).pathname;
      const child = spawn(
        process.execPath,
        [main, "restore", "--yes", ...argv, "--config", keeper.configFile],
        { stdio: "ignore" },
      );
      const ended = new Promise((resolve) => child.once("close", resolve));
      return {
        async kill() {
          child.kill("SIGKILL");
          await ended;
        },
      };
    },
    unfinished: async (cluster) => (await databases(cluster)).filter((name) => name.startsWith("dbkeeper_")),
    async schemaOf(cluster, database, as) {
      const place = ["--host", cluster.socketDirectory, "--username", "postgres"];
      const args = [...place, "--schema-only", "--create", "--dbname", `dbname='${database}'`];
      const { stdout } = await execute(join(programs, "pg_dump"), args);
      return stdout
        .replaceAll(`"${database.replaceAll('"', '""')}"`, as)
        .replaceAll(database, as)
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("\\"))
        .join("\n");
    },
    voids: async (database = "desi") =>
      Number((await source.sql("select count(*) from voids", database))[0]?.count),
    async hold(moment) {
      const flag = join(keeper.folder, moment);
      await writeFile(flag, "");
      return {
        reached: () =>
          until(
            `pg_restore to wait for ${moment}`,
            () =>
              access(`${flag}.reached`).then(
                () => true,
                () => false,
              ),
            60,
          ),
        release: async () => {
          await rm(flag, { force: true });
          await rm(`${flag}.reached`, { force: true });
        },
      };
    },
    async stop() {
      await Promise.all([source.stop(), recovery.stop()]);
      await rm(keeper.folder, { recursive: true });
    },
  };
}

/** PostgreSQL's client programs, of which pg_restore waits for as long as a flag is in the folder. */
async function heldPrograms(folder: string): Promise<string> {
  const binDirectory = join(folder, "bin");
  await mkdir(binDirectory);
  for (const name of ["pg_dump", "pg_dumpall"]) {
    await symlink(join(programs, name), join(binDirectory, name));
  }
  const script = `#!/bin/sh
hold() { if [ -e ${folder}/$1 ]; then touch ${folder}/$1.reached; while [ -e ${folder}/$1 ]; do sleep 0.05; done; fi; }
case "$*" in *--schema-only*) hold definitions ;; esac
${join(programs, "pg_restore")} "$@" || exit
case "$*" in *--dbname*) hold data ;; esac
`;
  await writeFile(join(binDirectory, "pg_restore"), script, { mode: 0o755 });
  return binDirectory;
}

const roles = `
  create role "Odd role"; create role keeper login connection limit 7; create role reader;
  create role granting; grant reader to keeper with admin option;
  alter role reader set work_mem = '8MB';
`;

const everything = `
  alter database "lab ""odd" set search_path = survey, public;
  alter database "lab ""odd" connection limit 42;
  alter role reader in database "lab ""odd" set work_mem = '5MB';
  comment on database "lab ""odd" is 'it''s; "ours"';
  revoke connect on database "lab ""odd" from public;
  grant connect on database "lab ""odd" to reader with grant option;
  grant connect on database "lab ""odd" to ${backupRole};
  grant create on database "lab ""odd" to "Odd role";
  create schema survey authorization keeper;
  set role keeper;
  create table survey.galaxies (id int generated always as identity primary key, z float8 not null default 0, double float8 generated always as (z * 2) stored);
  insert into survey.galaxies (z) select i / 7.0 from generate_series(1, 500) i;
  create table survey.parts (at date) partition by range (at);
  create table survey.parts_1 partition of survey.parts for values from ('2020-01-01') to ('2021-01-01');
  insert into survey.parts values ('2020-05-05');
  create unlogged table survey.quick (a int); insert into survey.quick values (1);
  grant select on survey.galaxies to reader; grant update (z) on survey.galaxies to "Odd role" with grant option;
  alter table survey.galaxies enable row level security;
  create policy mine on survey.galaxies for select to "Odd role", reader using (id in (select 1 from survey.quick));
  alter default privileges in schema survey grant select on tables to reader;
  create materialized view survey.sums as select count(*) from survey.galaxies;
  create sequence survey.numbers start 10; select nextval('survey.numbers');
  comment on table survey.galaxies is 'all of them';
  reset role;
  create extension pg_trgm schema public;
  create function public.nothing() returns event_trigger language plpgsql as 'begin end';
  create event trigger no_op on ddl_command_end execute function public.nothing();
  create publication everything for all tables;
  create view public.seen as select * from survey.galaxies; alter view public.seen owner to granting;
  select lo_from_bytea(0, decode(repeat('ab', 100000), 'hex'));
`;
