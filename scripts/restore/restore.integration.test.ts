import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeManifest } from "../runs/manifest.ts";
import { backupRole, serverPrograms, skipReason, type TestCluster } from "../testing/cluster.ts";
import type { Keeper } from "../testing/keeper.ts";
import { newRestoreWorld, type RestoreWorld } from "./testing.ts";

describe.skipIf(serverPrograms === undefined)(`restore (${serverPrograms ?? skipReason})`, () => {
  let world: RestoreWorld;
  let source: TestCluster;
  let keeper: Keeper;
  let restore: RestoreWorld["restore"];

  beforeAll(async () => {
    world = await newRestoreWorld();
    ({ keeper, restore, source } = world);
  }, 60_000);

  afterAll(() => world?.stop());

  test("a copy has every object, owner, right and setting of the original, and its data", async () => {
    const outcome = await restore("--database", 'lab "odd', "--as", "copy", "--jobs", "4");
    expect(outcome.code, outcome.output).toBe(0);
    expect(await world.schemaOf(source, "copy", "x")).toBe(await world.schemaOf(source, 'lab "odd', "x"));
    expect(outcome.events.find(({ event }) => event === "database-restored")).toMatchObject({
      database: "copy",
      compared: true,
    });
    expect(await world.unfinished(source)).toEqual([]);
  }, 30_000);

  test("a plan is told and nothing happens without consent, over what exists, or as another role", async () => {
    const before = await world.databases(source);
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
    expect(await world.databases(source)).toEqual(before);
  }, 30_000);

  test("what is replaced stays under another name, although somebody works in it", async () => {
    await source.sql("insert into voids values (-1, 'later')", "desi");
    const user = await source.session("desi");
    const outcome = await restore("--database", "desi", "--replace");
    expect(outcome.code, outcome.output).toBe(0);
    await user.end().catch(() => undefined);
    const kept = String(outcome.events.find(({ event }) => event === "database-replaced")?.kept);
    expect(kept).toMatch(/^desi_replaced_\d{8}T\d{6}Z$/);
    expect(await world.voids()).toBe(2000);
    expect(await world.voids(kept)).toBe(2001);

    const again = await restore("--database", "desi", "--replace");
    expect(again.code, again.output).toBe(0);
    const listed = JSON.parse((await keeper.run("restore", "kept")).output);
    expect(listed).toMatchObject([
      { name: kept, was: "desi", isReplaced: true },
      { was: "desi", isReplaced: true },
    ]);
  }, 30_000);

  test("what was replaced is put back with what has its name kept in turn, and dropped when asked to", async () => {
    const names = async () =>
      (JSON.parse((await keeper.run("restore", "kept")).output) as { name: string }[]).map(
        ({ name }) => name,
      );
    const [first = "", ...others] = await names();
    const undone = await keeper.run("restore", "undo", first, "--yes");
    expect(undone.code, undone.output).toBe(0);
    expect(await world.voids()).toBe(2001);
    expect(await names()).toHaveLength(others.length + 1);

    expect((await keeper.run("restore", "drop", ...(await names()))).code).toBe(2);
    for (const foreign of ["small", "nothing_replaced_20260601T020000Z"]) {
      expect((await keeper.run("restore", "drop", foreign, "--yes")).code).toBe(3);
      expect((await keeper.run("restore", "undo", foreign, "--yes")).code).toBe(3);
    }
    const user = await source.session(others[0]);
    const busy = await keeper.run("restore", "drop", others[0] ?? "", "--yes");
    expect([busy.code, busy.output]).toEqual([3, expect.stringContaining("being accessed")]);
    await user.end();
    expect((await keeper.run("restore", "drop", "--yes", ...(await names()))).code).toBe(0);
    expect(await names()).toEqual([]);
    expect(await world.databases(source)).toContain("small");
  }, 30_000);

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
    expect(await world.unfinished(source)).toEqual([]);
  }, 30_000);

  test("an error of pg_restore fails its database, is counted and named, and the others are restored", async () => {
    await source.sql(
      "create table divisor as select 1 as by; create function f() returns int language sql as 'select 1 / by from public.divisor'; create materialized view broken as select f() as a; update divisor set by = 0",
      "small",
    );
    await world.configure({ databases: ["small", "desi"] });
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
    expect(await world.unfinished(source)).toEqual([]);
    await source.sql("drop materialized view broken", "small");
  }, 30_000);
});
