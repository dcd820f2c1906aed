import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quoteIdentifier } from "../postgres/quote.ts";
import { isValidated } from "../runs/manifest.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";

const oddNames = [
  'quote"d',
  "with space",
  "-rf",
  "größe ☄",
  "a=b",
  "back\\slash'",
  "template_desi",
  "../up",
  "UPPER",
];

describe.skipIf(serverPrograms === undefined)(`round trip (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;

  beforeAll(async () => {
    cluster = await startCluster();
    keeper = await newKeeper(cluster, { jobs: 3 });
    for (const name of oddNames) {
      await cluster.sql(`create database ${quoteIdentifier(name)}`);
      await cluster.sql(
        `create schema ${quoteIdentifier(name)}; create table ${quoteIdentifier(name)}.${quoteIdentifier(name)} (${quoteIdentifier(name)} text, t int);
         insert into ${quoteIdentifier(name)}.${quoteIdentifier(name)} select md5(i::text), i from generate_series(1, 50) i`,
        name,
      );
    }
    await cluster.sql("create database empty");
    await cluster.sql("create database latin encoding 'LATIN1' locale 'C' template template0");
    await cluster.sql("create database closed allow_connections false");
    await cluster.sql("create database model is_template true");
    await cluster.sql("create database objects");
    await cluster.sql(everyKind, "objects");
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  test("a role without superuser rights dumps every database and proves each by restoring it", async () => {
    const outcome = await keeper.run("run");
    expect(outcome.events.filter(({ level }) => level === "error")).toEqual([]);
    expect(outcome.code, outcome.output).toBe(0);
    const { manifest } = await keeper.newest();
    expect(isValidated(manifest)).toBe(true);
    expect(manifest.databases.map(({ name }) => name).toSorted()).toEqual(
      [...oddNames, "empty", "latin", "objects", "postgres"].toSorted(),
    );
    expect(manifest.skipped.map(({ name }) => name)).toEqual(["closed", "model", "template0", "template1"]);
    const objects = manifest.databases.find(({ name }) => name === "objects");
    expect(objects?.content?.largeObjects.rows).toBe(2);
    expect(objects?.content?.tables.find(({ name }) => name === "child")?.rows).toBe(1);
    expect(manifest.systemIdentifier).toMatch(/^\d+$/);
    const proof = manifest.validation?.databases.find(({ name }) => name === "objects");
    expect(proof?.notRestored.join("\n")).toMatch(/EVENT TRIGGER - no_op/);
    expect(proof?.indexes).toMatchObject({ outcome: "not-checked", checked: 0 });
    expect(outcome.events.find(({ event }) => event === "indexes-not-checked")?.text).toMatch(
      /role may not create the extension amcheck/,
    );
  }, 60_000);

  test("the scratch databases are gone afterwards", async () => {
    expect(await cluster.sql("select datname from pg_database where datname like 'dbkeeper%'")).toEqual([]);
  });

  test("a later change in the source does not make a dump look wrong", async () => {
    await cluster.sql(
      "update big set payload = payload || 'x'; insert into big select 9999, 'new'",
      "objects",
    );
    const outcome = await keeper.run("validate");
    expect(outcome.code, outcome.output).toBe(0);
  }, 30_000);

  test("a role that may create everything restores everything", async () => {
    const { socketDirectory } = cluster;
    await keeper.configure({ restoreInto: { socketDirectory, role: "postgres" } });
    const outcome = await keeper.run("validate");
    expect(outcome.code, outcome.output).toBe(0);
    const { manifest } = await keeper.newest();
    const results = manifest.validation?.databases ?? [];
    expect(results.flatMap(({ notRestored }) => notRestored)).toEqual(["privileges (1)"]);
    expect(results.filter(({ indexes }) => indexes?.outcome !== "passed")).toEqual([]);
    expect(results.find(({ name }) => name === "objects")?.indexes?.checked).toBeGreaterThan(0);
  }, 30_000);

  test("files have safe names and are for their owner only", async () => {
    const { manifest } = await keeper.newest();
    for (const { file } of manifest.databases.flatMap(({ files }) => files))
      expect(file).toMatch(/^[A-Za-z0-9_%][A-Za-z0-9_.%-]*\.dump(\.zst)?$/);
    expect(manifest.databases.find(({ name }) => name === "-rf")?.files[0]?.file).toMatch(/^%2Drf\./);
  });

  test("a listed database that is missing fails, the listed others are dumped", async () => {
    await keeper.configure({ databases: ["empty", "nowhere", "model"] });
    const outcome = await keeper.run("dump");
    expect(outcome.code).toBe(8);
    const { manifest } = await keeper.newest();
    expect(manifest.databases.map(({ name }) => name)).toEqual(["empty", "model"]);
    expect(manifest.failed).toEqual([{ name: "nowhere", reason: "is not on the server" }]);
  });
});

const everyKind = `
  create table big (id int primary key, payload text);
  insert into big select i, repeat(md5(i::text), 20) from generate_series(1, 5000) i;
  create table no_columns (); insert into no_columns default values;
  create table generated (a int, b int generated always as (a * 2) stored); insert into generated values (1), (2), (2);
  create table parts (id int, at date) partition by range (at);
  create table parts_1 partition of parts for values from ('2020-01-01') to ('2021-01-01');
  insert into parts values (1, '2020-05-05');
  create table parent (a int); create table child (own text) inherits (parent);
  alter table parent add column late timestamptz; insert into child values (1, 'own', now());
  create unlogged table quick (x float8, y interval, z bytea, m money); insert into quick values (0.1, '1 day', '\\x00ff', 12.5);
  create table secret (a int); insert into secret values (1); alter table secret enable row level security;
  alter table secret force row level security;
  create view seen as select * from big; create materialized view sums as select count(*) from big;
  create sequence numbers; select nextval('numbers');
  create extension pg_trgm;
  create function nothing() returns event_trigger language plpgsql as 'begin end';
  create event trigger no_op on ddl_command_end execute function nothing();
  create publication all_of_it for all tables;
  comment on table big is 'large';
  select lo_from_bytea(0, decode(repeat('ab', 3000000), 'hex'));
  select lo_from_bytea(0, '');
  create schema " odd ""schema"; create table " odd ""schema"."t""; drop table big; --" (t int); 
  revoke all on schema public from public;
`;
