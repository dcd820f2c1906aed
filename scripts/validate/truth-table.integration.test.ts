import { rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configSchema } from "../config.ts";
import type { Context } from "../context.ts";
import { hashFile } from "../dump/file.ts";
import { kindOf, messageOf } from "../exit-codes.ts";
import {
  type DatabaseEntry,
  isValidated,
  type Level,
  levels,
  readManifest,
  writeManifest,
} from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Damage, damageFile, forgeDigests, type Pristine, remember } from "../testing/damage.ts";
import { dumpAs } from "../testing/formats.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { checkGlobals } from "./files.ts";
import { proveDatabase } from "./proof.ts";
import { validate } from "./validate.ts";

const signal = new AbortController().signal;

const table = `
  create table galaxies (id int primary key, name text);
  insert into galaxies select i, md5(i::text) from generate_series(1, 3000) i;
  select lo_from_bytea(0, decode(string_agg(md5(i::text), ''), 'hex')) from generate_series(1, 500) i;
`;

describe.skipIf(serverPrograms === undefined)(`truth table (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;
  let run: Run;
  let pristine: Pristine;
  let context: Context;

  beforeAll(async () => {
    cluster = await startCluster();
    keeper = await newKeeper(cluster, { databases: ["desi"] });
    await cluster.sql("create database desi");
    await cluster.sql(table, "desi");
    const outcome = await keeper.run("dump");
    expect(outcome.code, outcome.output).toBe(0);
    run = await keeper.newest();
    const [like] = run.manifest.databases;
    if (like === undefined) throw new Error("the run holds no database");
    const others = [];
    for (const format of ["custom", "directory"] as const)
      others.push(await dumpAs(format, { cluster, run, like }));
    run = { ...run, manifest: { ...run.manifest, databases: [like, ...others] } };
    await writeManifest(run.folder, run.manifest);
    context = {
      config: configSchema.parse({
        cluster: keeper.cluster,
        directory: keeper.directory,
        minimumFreeBytes: 0,
      }),
      report: { event: () => undefined },
      signal,
      now: () => new Date(),
    };
    const proven = await keeper.run("validate");
    expect(proven.code, proven.output).toBe(0);
    pristine = await remember({ ...run, manifest: await readManifest(run.folder) });
  }, 60_000);

  beforeEach(async () => {
    await pristine.restore(...pristine.contents.keys());
  });

  afterAll(async () => {
    await cluster?.stop();
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  /** The file of each database that holds its rows: they are what must not be lost. */
  const dataFiles = () => run.manifest.databases.map(dataFileOf);
  const sizeOf = (file: string) => pristine.contents.get(file)?.length ?? 0;
  const damage = async (file: string, how: Damage) =>
    await damageFile(join(run.folder, file), pristine.contents.get(file) ?? Buffer.alloc(0), how);

  /** Whether what lies on the disk passes at a level, in the eyes of whoever reads it from the disk. */
  const passes = async (level: (typeof levels)[number]): Promise<boolean> => {
    try {
      const manifest = await readManifest(run.folder);
      await validate(context, { ...run, manifest }, level);
      return true;
    } catch (error) {
      const refused = kindOf(error) === "verification" || messageOf(error).startsWith("cannot read ");
      if (!refused) throw error;
      return false;
    }
  };

  test.each(levels)("what is good passes at level %s, in every format", async (level) => {
    expect(await passes(level)).toBe(true);
    expect(isValidated(await readManifest(run.folder))).toBe(true);
  });

  const damages: Record<string, (size: number) => Damage> = {
    "cut to 99 %": (size) => ({ kind: "cut", sizeBytes: Math.floor(size * 0.99) }),
    "cut to 60 %": (size) => ({ kind: "cut", sizeBytes: Math.floor(size * 0.6) }),
    "cut to 10 %": (size) => ({ kind: "cut", sizeBytes: Math.floor(size * 0.1) }),
    "with one bit flipped": (size) => ({ kind: "flip", at: Math.floor(size * 0.8), mask: 1 }),
    "that is empty": () => ({ kind: "cut", sizeBytes: 0 }),
  };

  describe.each(Object.entries(damages))("a dump %s", (_name, how) => {
    test("is refused at every level, by name", async () => {
      for (const file of dataFiles()) await damage(file, how(sizeOf(file)));
      for (const level of levels) {
        expect(await passes(level), level).toBe(false);
        expect(isValidated(await readManifest(run.folder))).toBe(false);
        expect(await failedDatabases(run)).toHaveLength(run.manifest.databases.length);
      }
    });

    test.each(["decode", "restore"] as const)(
      "is refused at level %s even where the digest matches",
      async (level) => {
        for (const file of dataFiles()) await damage(file, how(sizeOf(file)));
        await forgeDigests(run);
        expect(await passes("checksum")).toBe(true);
        expect(await passes(level)).toBe(false);
        expect(await failedDatabases(run)).toHaveLength(run.manifest.databases.length);
      },
    );
  });

  test("a directory that lacks a table's file is refused even where the manifest does not name it", async () => {
    const entry = run.manifest.databases.find(({ format }) => format === "directory");
    const lost = entry && dataFileOf(entry);
    if (entry === undefined || lost === undefined) throw new Error("there is no directory");
    await damage(lost, { kind: "remove" });
    const files = entry.files.filter(({ file }) => file !== lost);
    await writeManifest(run.folder, { ...run.manifest, databases: [{ ...entry, files }] });
    expect(await passes("checksum")).toBe(true);
    expect(await passes("decode")).toBe(false);
    expect(await passes("restore")).toBe(false);
  });

  /** What a validation looks at, without writing down what it found. */
  const isIntact = async (): Promise<boolean> => {
    const manifest = await readManifest(run.folder).catch(() => undefined);
    if (manifest === undefined) return false;
    const read = { ...run, manifest };
    for (const entry of manifest.databases) if (!(await isGood(read, entry, "checksum"))) return false;
    return (await checkGlobals(read, context.config, { reads: false, signal })) === null;
  };

  const isGood = async (of: Run, entry: DatabaseEntry, level: Level): Promise<boolean> => {
    const pgRestore = join(serverPrograms ?? "", "pg_restore");
    const means = { level, pgRestore, server: undefined };
    return (await proveDatabase(context, of, entry, means)).outcome === "passed";
  };

  test("no byte of a run can change, and no file be shortened or go, without being noticed", async () => {
    const names = [...pristine.contents.keys()];
    const anyDamage = fc.record({
      file: fc.constantFrom(...names),
      kind: fc.oneof(
        { arbitrary: fc.constant("flip" as const), weight: 8 },
        { arbitrary: fc.constantFrom("cut" as const, "remove" as const), weight: 2 },
      ),
      share: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    expect(await isIntact()).toBe(true);
    await fc.assert(
      fc.asyncProperty(anyDamage, async ({ file, kind, share, mask }) => {
        const at = Math.floor(sizeOf(file) * share);
        const how: Damage =
          kind === "flip" ? { kind, at, mask } : kind === "cut" ? { kind, sizeBytes: at } : { kind };
        await damage(file, how);
        expect(await isIntact()).toBe(false);
        await pristine.restore(file);
      }),
      { numRuns: 1000, endOnFailure: true },
    );
    expect(await isIntact()).toBe(true);
  }, 120_000);

  test("damage to the rows from before the digest was taken is found by reading them", async () => {
    const anyFlip = fc.record({
      entry: fc.constantFrom(...run.manifest.databases),
      // Behind the table of contents, and behind the head of a compressed file, in which a name and a time stand.
      share: fc.double({ min: 0.5, max: 1, maxExcluded: true, noNaN: true }),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(anyFlip, async ({ entry, share, mask }) => {
        const file = dataFileOf(entry);
        await damage(file, { kind: "flip", at: Math.floor(sizeOf(file) * share), mask });
        const digest = { file, ...(await hashFile(join(run.folder, file), signal)) };
        const files = entry.files.map((other) => (other.file === file ? digest : other));
        expect(await isGood(run, { ...entry, files }, "checksum")).toBe(true);
        expect(await isGood(run, { ...entry, files }, "decode")).toBe(false);
        await pristine.restore(file);
      }),
      { numRuns: 50, endOnFailure: true },
    );
  }, 60_000);

  test("passwords beside the globals are held against the manifest too", async () => {
    const { globals } = run.manifest;
    const rolePasswords = { ...globals, sha256: "0".repeat(64) };
    await writeManifest(run.folder, { ...run.manifest, rolePasswords });
    expect(await passes("checksum")).toBe(false);
  });

  test("globals whose digest was taken after they were cut short are refused", async () => {
    const { file, sizeBytes } = run.manifest.globals;
    await truncate(join(run.folder, file), sizeBytes - 60);
    await forgeDigests(run);
    expect(await passes("checksum")).toBe(false);
  });
});

function dataFileOf(entry: DatabaseEntry): string {
  const [largest] = entry.files.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  if (largest === undefined) throw new Error(`${entry.name} has no file`);
  return largest.file;
}

async function failedDatabases(run: Run): Promise<string[]> {
  const { validation } = await readManifest(run.folder);
  return (validation?.databases ?? []).filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
}
