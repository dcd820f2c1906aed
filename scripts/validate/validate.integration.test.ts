import { once } from "node:events";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isValidated, readManifest, writeManifest } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
} from "../testing/cluster.ts";
import { forgeDigests, type Pristine, remember } from "../testing/damage.ts";
import { dumpAs } from "../testing/formats.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";

describe.skipIf(serverPrograms === undefined)(`validate (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;
  let run: Run;
  let pristine: Pristine;

  beforeAll(async () => {
    cluster = await startCluster();
    keeper = await newKeeper(cluster, { databases: ["desi"] });
    await cluster.sql("create database desi");
    await cluster.sql(
      "create table galaxies (id int, name text); insert into galaxies select i, md5(i::text) from generate_series(1, 3000) i",
      "desi",
    );
    const outcome = await keeper.run("dump");
    expect(outcome.code, outcome.output).toBe(0);
    run = await keeper.newest();
    pristine = await remember(run);
  }, 60_000);

  beforeEach(async () => {
    await pristine.restore(...pristine.contents.keys());
    await keeper.configure({ databases: ["desi"] });
  });

  afterAll(async () => {
    await cluster?.stop();
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  const flipBit = async () => {
    const path = join(run.folder, run.manifest.databases[0]?.files[0]?.file ?? "");
    const handle = await open(path, "r+");
    try {
      const byte = Buffer.alloc(1);
      await handle.read(byte, 0, 1, 1000);
      await handle.write(Buffer.of(byte.readUInt8() ^ 1), 0, 1, 1000);
    } finally {
      await handle.close();
    }
  };

  const expectGood = async (...argv: string[]) => {
    const outcome = await keeper.run("validate", ...argv);
    expect(outcome.code, outcome.output).toBe(0);
    return outcome;
  };

  test("a refusal has its exit code, names the database, and leaves nothing on the server", async () => {
    await flipBit();
    const outcome = await keeper.run("validate");
    expect(outcome.code, outcome.output).toBe(6);
    expect(outcome.output).toMatch(/\\"desi\\": desi\.dump\S* has another SHA-256/);
    const { manifest } = await keeper.newest();
    expect(manifest.validation?.outcome).toBe("failed");
    expect(isValidated(manifest)).toBe(false);
    expect(await cluster.sql("select 1 from pg_database where datname like 'dbkeeper%'")).toEqual([]);
  });

  test("a changed row in an uncompressed dump, which decodes well, is found by comparing rows", async () => {
    const [like] = run.manifest.databases;
    if (like === undefined) throw new Error("the run holds no database");
    const entry = await dumpAs("uncompressed", { cluster, run, like });
    const plain: Run = { ...run, manifest: { ...run.manifest, databases: [entry] } };
    await writeManifest(run.folder, plain.manifest);
    await expectGood();
    // A digit of a row: the archive stays well-formed.
    await replaceBytes(join(run.folder, "uncompressed"), "2999\t", "2998\t");
    await forgeDigests(plain);
    await expectGood("--level", "decode");
    expect((await keeper.run("validate")).code).toBe(6);
    const reason = (await keeper.newest()).manifest.validation?.databases[0]?.reason;
    expect(reason).toMatch(/"public"."galaxies" has 3000 rows, but with other content/);
  });

  test("a damaged manifest is refused", async () => {
    await writeFile(join(run.folder, "manifest.json"), '{"formatVersion": 2');
    expect((await keeper.run("validate")).code).toBe(6);
  });

  test("a lower level neither takes the proof away nor gives it back", async () => {
    await keeper.run("validate");
    await keeper.run("validate", "--level", "checksum");
    expect(isValidated((await keeper.newest()).manifest)).toBe(true);
    await flipBit();
    await keeper.run("validate");
    await flipBit();
    await keeper.run("validate", "--level", "decode");
    expect(isValidated((await keeper.newest()).manifest)).toBe(false);
  });

  test("a dump whose rows were not counted passes as restorable, and stays unproven", async () => {
    const databases = run.manifest.databases.map((entry) => ({ ...entry, content: null }));
    await writeManifest(run.folder, { ...run.manifest, databases });
    const { events } = await expectGood();
    expect(events.find(({ event }) => event === "validation-not-proven")).toMatchObject({
      level: "warning",
      uncompared: ["desi"],
    });
    const manifest = await readManifest(run.folder);
    expect(isValidated(manifest)).toBe(false);
    expect(manifest.validation?.databases[0]?.uncompared).toEqual([
      { schema: "public", name: "galaxies", rows: 3000 },
    ]);
    expect(await keeper.metrics()).not.toContain("dbkeeper_last_validated_timestamp_seconds{");
  });

  test("the site's own checks decide too, and cannot change what they look at", async () => {
    const checks = [
      { name: "count", sql: "select count(*) from galaxies", expect: { equals: 3000 } },
      {
        name: "no duplicates",
        sql: "select id from galaxies group by id having count(*) > 1;",
        expect: "no-rows",
      },
    ] as const;
    await keeper.configure({ databases: ["desi"], checks: [...checks] });
    await expectGood();
    await keeper.configure({
      databases: ["desi"],
      checks: [
        ...checks,
        {
          name: "bright",
          sql: "select id from galaxies where id > 3000",
        },
        { name: "writes", sql: "delete from galaxies returning id" },
        { name: "divides", sql: "select 1 / (id - 2999) from galaxies" },
        { name: "slow", sql: "select pg_sleep(30)", timeoutSeconds: 1 },
        { name: "elsewhere", databases: ["gone"], sql: "select 1" },
      ],
    });
    const outcome = await keeper.run("validate");
    expect(outcome.code, outcome.output).toBe(6);
    const result = (await keeper.newest()).manifest.validation?.databases[0];
    expect(Object.fromEntries(result?.checks.map(({ name, reason }) => [name, reason]) ?? [])).toEqual({
      count: null,
      "no duplicates": null,
      bright: "found no rows",
      writes: "cannot execute SELECT in a read-only transaction",
      divides: "division by zero",
      slow: "canceling statement due to statement timeout",
    });
    expect(result?.reason).toContain('check "divides": division by zero');
  });

  test("a dry run tells what would be looked at, and looks at nothing", async () => {
    await keeper.configure({ databases: ["desi"], checks: [{ name: "any", sql: "select 1" }] });
    await flipBit();
    const { events } = await expectGood("--dry-run");
    expect(events.map(({ event }) => event)).toEqual(["validation-planned"]);
    expect(events[0]).toMatchObject({ database: "desi", validationLevel: "restore", checks: ["any"] });
    expect((await keeper.newest()).manifest.validation).toBeNull();
  });

  test("a scratch database that a crash left behind is dropped, and nothing else", async () => {
    await cluster.sql(`create database dbkeeper_scratch_0123456789abcdef owner ${backupRole}`);
    await cluster.sql(`create database dbkeeper_scratch_mine owner ${backupRole}`);
    await expectGood();
    expect(await cluster.sql("select datname from pg_database where datname like 'dbkeeper%'")).toEqual([
      { datname: "dbkeeper_scratch_mine" },
    ]);
    await cluster.sql("drop database dbkeeper_scratch_mine");
  });

  test("the source takes no scratch database under another address", async () => {
    const socketDirectory = join(keeper.folder, "forwarded");
    await mkdir(socketDirectory);
    const socketOf = (folder: string) => join(folder, `.s.PGSQL.${cluster.port}`);
    const forwarder = createServer((client) => {
      const server = connect(socketOf(cluster.socketDirectory));
      for (const socket of [client, server]) socket.on("error", () => undefined);
      client.pipe(server).pipe(client);
    });
    await once(forwarder.listen(socketOf(socketDirectory)), "listening");
    try {
      await keeper.configure({
        databases: ["desi"],
        restoreInto: { socketDirectory, port: cluster.port, role: backupRole },
      });
      const outcome = await keeper.run("validate");
      expect(outcome.code, outcome.output).toBe(3);
      expect(outcome.output).toMatch(/is the source or a physical copy of it \(system identifier \d+\)/);
      expect((await keeper.newest()).manifest.validation).toBeNull();
    } finally {
      forwarder.close();
    }
  });

  test("a role that may not create databases is refused without a verdict on the dump", async () => {
    await cluster.sql(`alter role ${backupRole} nocreatedb`);
    try {
      expect((await keeper.run("validate")).code).toBe(3);
      expect((await keeper.newest()).manifest.validation).toBeNull();
    } finally {
      await cluster.sql(`alter role ${backupRole} createdb`);
    }
  });
});

async function replaceBytes(path: string, from: string, to: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const content = await handle.readFile();
    const position = content.indexOf(from);
    if (position < 0) throw new Error(`${path} does not hold ${JSON.stringify(from)}`);
    await handle.write(Buffer.from(to), 0, to.length, position);
  } finally {
    await handle.close();
  }
}
