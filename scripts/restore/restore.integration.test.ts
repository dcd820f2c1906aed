import { execFile, execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeManifest } from "../runs/manifest.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
} from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";

const execute = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const programs = serverPrograms ?? "";
const ageThere = isThere("age-keygen");

describe.skipIf(serverPrograms === undefined)(`restore (${serverPrograms ?? skipReason})`, () => {
  let source: TestCluster;
  let recovery: TestCluster;
  let keeper: Keeper;

  beforeAll(async () => {
    [source, recovery] = await Promise.all([startCluster(), startCluster()]);
    await source.sql(roles);
    await source.sql(`create database "lab ""odd" owner keeper`);
    await source.sql(everything, 'lab "odd');
    await source.sql("create database desi");
    await source.sql("create database small");
    await source.sql("create table voids as select i, md5(i::text) from generate_series(1, 2000) i", "desi");
    await source.sql("create table t as select 1 as a", "small");
    keeper = await newKeeper(source, {
      dump: { format: "directory" },
      restoreInto: { socketDirectory: source.socketDirectory, role: "postgres" },
      restore: { targets: { recovery: { socketDirectory: recovery.socketDirectory, role: "postgres" } } },
    });
    const outcome = await keeper.run("run");
    expect(outcome.code, outcome.output).toBe(0);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([source?.stop(), recovery?.stop()]);
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  const restore = (...argv: string[]) => keeper.run("restore", "--yes", ...argv);
  const databases = async (cluster: TestCluster) =>
    (await cluster.sql("select datname from pg_database order by 1")).map(({ datname }) => String(datname));
  const unfinished = async (cluster: TestCluster) =>
    (await databases(cluster)).filter((name) => name.startsWith("dbkeeper_"));

  /** Everything that pg_dump says about a database, under a name that does not differ. */
  const schemaOf = async (cluster: TestCluster, database: string, as: string) => {
    const place = ["--host", cluster.socketDirectory, "--username", "postgres"];
    const args = [...place, "--schema-only", "--create", "--dbname", `dbname='${database}'`];
    const { stdout } = await execute(join(programs, "pg_dump"), args);
    return stdout
      .replaceAll(`"${database.replaceAll('"', '""')}"`, as)
      .replaceAll(database, as)
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("\\"))
      .join("\n");
  };

  /** A pg_restore that, once it has restored all, waits for as long as the flag is there. */
  const holdRestores = async () => {
    const binDirectory = join(keeper.folder, "held");
    const flag = join(keeper.folder, "hold");
    await mkdir(binDirectory, { recursive: true });
    await writeFile(flag, "");
    for (const name of ["pg_dump", "pg_dumpall"]) {
      await symlink(join(programs, name), join(binDirectory, name)).catch(() => undefined);
    }
    const script = `#!/bin/sh
${join(programs, "pg_restore")} "$@" || exit
case "$*" in *--dbname*) touch ${flag}.reached; while [ -e ${flag} ]; do sleep 0.05; done ;; esac
`;
    await writeFile(join(binDirectory, "pg_restore"), script, { mode: 0o755 });
    await keeper.configure({
      cluster: { ...keeper.cluster, binDirectory },
      restore: { targets: { recovery: { socketDirectory: recovery.socketDirectory, role: "postgres" } } },
    });
    return {
      reached: () =>
        until("the restore to be in its middle", async () => {
          return await readFile(`${flag}.reached`).then(
            () => true,
            () => false,
          );
        }),
      release: async () => {
        await rm(flag, { force: true });
        await rm(`${flag}.reached`, { force: true });
        await keeper.configure({
          restore: { targets: { recovery: { socketDirectory: recovery.socketDirectory, role: "postgres" } } },
        });
      },
    };
  };

  test("a copy has every object, owner, right and setting of the original, and its data", async () => {
    const outcome = await restore("--database", 'lab "odd', "--as", "copy", "--jobs", "4");
    expect(outcome.code, outcome.output).toBe(0);
    expect(await schemaOf(source, "copy", "x")).toBe(await schemaOf(source, 'lab "odd', "x"));
    expect(outcome.events.find(({ event }) => event === "database-restored")).toMatchObject({
      database: "copy",
      compared: true,
    });
    expect(await unfinished(source)).toEqual([]);
  }, 30_000);

  test("a plan is told and nothing happens without consent, over what exists, or as another role", async () => {
    const before = await databases(source);
    const dry = await restore("--database", "desi", "--as", "dry", "--dry-run");
    expect(dry.code, dry.output).toBe(0);
    expect(dry.events.find(({ event }) => event === "restore-planned")).toMatchObject({
      databases: ["dry"],
      problems: [],
      estimatedSeconds: expect.any(Number),
      freeBytes: expect.any(Number),
    });
    const unasked = await keeper.run("restore", "--database", "desi", "--as", "dry");
    expect(unasked.code).toBe(2);
    const exists = await restore("--database", "desi");
    expect(exists.code).toBe(3);
    expect(exists.output).toContain("--replace keeps it under another name");
    const weak = await restore("--database", "desi", "--as", "dry", "--role", backupRole);
    expect(weak.code).toBe(3);
    expect(weak.output).toContain("no superuser");
    expect((await restore("--database", "nowhere")).code).toBe(3);
    expect((await restore()).code).toBe(2);
    expect((await restore("--all", "--into", "nowhere")).code).toBe(2);
    expect(await databases(source)).toEqual(before);
  }, 30_000);

  test("what is replaced stays under another name, although somebody works in it", async () => {
    await source.sql("insert into voids values (-1, 'later')", "desi");
    const user = await source.session("desi");
    const outcome = await restore("--database", "desi", "--replace");
    expect(outcome.code, outcome.output).toBe(0);
    await user.end().catch(() => undefined);
    const kept = String(outcome.events.find(({ event }) => event === "database-replaced")?.kept);
    expect(kept).toMatch(/^desi_replaced_\d{8}T\d{6}Z$/);
    expect(await source.sql("select count(*)::int from voids", "desi")).toEqual([{ count: 2000 }]);
    expect(await source.sql("select count(*)::int from voids", kept)).toEqual([{ count: 2001 }]);
    await source.sql(`drop database "${kept}"`);
  }, 30_000);

  test("killed in the middle it leaves the database as it was, and the next restore clears up", async () => {
    await source.sql("insert into voids values (-2, 'precious')", "desi");
    const held = await holdRestores();
    const main = new URL("../main.ts", import.meta.url).pathname;
    const argv = ["restore", "--database", "desi", "--replace", "--yes"];
    const child = spawn(process.execPath, [main, ...argv, "--config", keeper.configFile], {
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await held.reached();
    expect((await restore("--database", "small", "--replace")).code).toBe(4);
    child.kill("SIGKILL");
    await ended;
    expect(await unfinished(source)).toHaveLength(1);
    expect(await source.sql("select count(*)::int from voids", "desi")).toEqual([{ count: 2001 }]);
    await held.release();
    const again = await restore("--database", "desi", "--replace");
    expect(again.code, again.output).toBe(0);
    expect(again.events.map(({ event }) => event)).toContain("restore-removed");
    expect(await unfinished(source)).toEqual([]);
    expect(await source.sql("select count(*)::int from voids", "desi")).toEqual([{ count: 2000 }]);
  }, 60_000);

  test("a server that restarts in the middle, or an interruption, leaves the database as it was", async () => {
    await source.sql("insert into voids values (-3, 'precious')", "desi");
    const held = await holdRestores();
    const crashed = restore("--database", "desi", "--replace");
    await held.reached();
    const [victim] = await source.sql(
      "select pid from pg_stat_activity where application_name = 'dbkeeper' limit 1",
    );
    process.kill(Number(victim?.pid), "SIGKILL");
    await held.release();
    const outcome = await crashed;
    expect(outcome.code, outcome.output).toBe(1);
    const stays = async () => {
      expect(await source.sql("select count(*)::int from voids", "desi")).toEqual([{ count: 2001 }]);
      expect(await unfinished(source)).toEqual([]);
    };
    await stays();

    const heldAgain = await holdRestores();
    const controller = new AbortController();
    const argv = ["restore", "--database", "desi", "--replace", "--yes"];
    const interrupted = keeper.runUntil(controller.signal, ...argv);
    await heldAgain.reached();
    controller.abort(new Error("interrupted"));
    await heldAgain.release();
    expect((await interrupted).code).toBe(1);
    await stays();
  }, 60_000);

  test("a whole cluster comes back on an empty server, roles first, and a second time changes nothing", async () => {
    const without = await keeper.run("restore", "--all", "--into", "recovery", "--yes", "--replace");
    expect(without.code).toBe(3);
    expect(without.output).toContain('role \\"keeper\\" is missing on the target');
    const all = ["restore", "--all", "--globals", "--into", "recovery", "--yes", "--replace"];
    const outcome = await keeper.run(...all);
    expect(outcome.code, outcome.output).toBe(0);
    expect(outcome.events.map(({ event }) => event)).toContain("passwords-not-restored");
    const roleQuery =
      "select rolname, rolconnlimit, rolconfig from pg_roles where rolname !~ '^pg_' order by 1";
    expect(await recovery.sql(roleQuery)).toEqual(await source.sql(roleQuery));
    expect(await schemaOf(recovery, 'lab "odd', "x")).toBe(await schemaOf(source, 'lab "odd', "x"));
    expect((await keeper.run("restore", "--globals", "--into", "recovery", "--yes")).code).toBe(0);
    expect(await recovery.sql(roleQuery)).toEqual(await source.sql(roleQuery));
  }, 60_000);

  test("a damaged dump is found before anything is touched", async () => {
    const { folder, manifest } = await keeper.newest();
    const entry = manifest.databases.find(({ name }) => name === "desi");
    const path = join(folder, entry?.files.at(-1)?.file ?? "");
    const bytes = await readFile(path);
    const damaged = Buffer.from(bytes);
    damaged[bytes.length - 20] = 255 - (damaged[bytes.length - 20] ?? 0);
    await chmod(path, 0o600);
    await writeFile(path, damaged);
    const outcome = await restore("--database", "desi", "--as", "damaged");
    await writeFile(path, bytes);
    expect(outcome.code).toBe(6);
    expect(outcome.output).toContain("another SHA-256");
    expect(outcome.events.map(({ event }) => event)).not.toContain("restore-started");
  }, 30_000);

  test("what came back is compared with what was dumped before it gets its name", async () => {
    await source.sql("insert into voids values (-4, 'precious')", "desi");
    const { folder, manifest } = await keeper.newest();
    const changed = structuredClone(manifest);
    const content = changed.databases.find(({ name }) => name === "desi")?.content;
    if (content?.tables[0] !== undefined) content.tables[0].checksum = "1";
    await writeManifest(folder, changed);
    const outcome = await restore("--database", "desi", "--replace");
    await writeManifest(folder, manifest);
    expect(outcome.code, outcome.output).toBe(6);
    expect(outcome.output).toContain("with other content");
    expect(await source.sql("select i from voids where i = -4", "desi")).toEqual([{ i: -4 }]);
    expect(await unfinished(source)).toEqual([]);
  }, 30_000);

  test("an error of pg_restore fails its database, is counted and named, and the others are restored", async () => {
    await source.sql(
      "create table divisor as select 1 as by; create function f() returns int language sql as 'select 1 / by from public.divisor'; create materialized view broken as select f() as a; update divisor set by = 0",
      "small",
    );
    await keeper.configure({ databases: ["small", "desi"] });
    expect((await keeper.run("dump")).code).toBe(0);
    const unproven = await restore("--database", "small", "--as", "unproven");
    expect(unproven.code).toBe(3);
    expect(unproven.output).toContain("not proven");
    const outcome = await restore("--all", "--replace", "--unvalidated");
    expect(outcome.code, outcome.output).toBe(8);
    expect(outcome.output).toMatch(
      /pg_restore had 1 errors: REFRESH MATERIALIZED VIEW public.broken: .*division by zero/,
    );
    expect(await source.sql("select by from divisor", "small")).toEqual([{ by: 0 }]);
    expect(await unfinished(source)).toEqual([]);
    await source.sql("drop materialized view broken", "small");
  }, 30_000);

  test.skipIf(!ageThere)(
    "an encrypted run comes back with the passwords of the roles",
    async () => {
      const identityFile = join(keeper.folder, "identity");
      await execute("age-keygen", ["-o", identityFile]);
      await chmod(identityFile, 0o600);
      const { stdout } = await execute("age-keygen", ["-y", identityFile]);
      const configure = (more: { identityFile?: string }) =>
        keeper.configure({
          cluster: { ...keeper.cluster, role: "postgres" },
          databases: ["desi"],
          restore: { targets: { recovery: { socketDirectory: recovery.socketDirectory, role: "postgres" } } },
          encryption: { recipients: [stdout.trim()], ...more },
        });
      await configure({});
      await source.sql("alter role keeper password 'first light'");
      expect((await keeper.run("dump")).code).toBe(0);
      const argv = [
        "--database",
        "desi",
        "--as",
        "opened",
        "--globals",
        "--unvalidated",
        "--into",
        "recovery",
      ];
      const closed = await restore(...argv);
      expect(closed.code, closed.output).toBe(3);
      expect(closed.output).toContain("encryption.identityFile");
      await configure({ identityFile });
      const outcome = await restore(...argv);
      expect(outcome.code, outcome.output).toBe(0);
      const query = "select rolpassword from pg_authid where rolname = 'keeper'";
      const [password] = await source.sql(query);
      expect(password?.rolpassword).toMatch(/^SCRAM/);
      expect(await recovery.sql(query)).toEqual([password]);
      expect(outcome.output).not.toContain("SCRAM");
      expect(await databases(recovery)).toContain("opened");
    },
    30_000,
  );

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
        await keeper.configure({ databases: ["small"] });
        expect((await keeper.run("dump")).code).toBe(0);
        const outcome = await restore("--database", "small", "--replace", "--unvalidated");
        expect(outcome.code, outcome.output).toBe(1);
        expect(outcome.output).toContain("No space left on device");
        expect(await source.sql("select count(*)::int from large", "small")).toEqual([{ count: 14000 }]);
        expect(await unfinished(source)).toEqual([]);

        // The folder of a tablespace serves one server only.
        await keeper.configure({
          databases: ["small"],
          restore: { targets: { recovery: { socketDirectory: recovery.socketDirectory, role: "postgres" } } },
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
});

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
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
