import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configSchema } from "../config.ts";
import type { Context } from "../context.ts";
import { hashFile } from "../dump/file.ts";
import { kindOf, messageOf } from "../exit-codes.ts";
import { openScratchServer, type ScratchServer } from "../postgres/scratch.ts";
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

const ageThere = isThere("age");

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
    for (const format of ["custom", "directory", "uncompressed"] as const)
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

  describe.each(Object.entries(damages))("a dump %s", (kind, how) => {
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
        // Nothing but the rows themselves can tell that one of their bits is not what it was.
        const unseen = level === "decode" && kind === "with one bit flipped" ? ["uncompressed"] : [];
        const names = run.manifest.databases.map(({ name }) => name);
        expect(await failedDatabases(run)).toEqual(names.filter((name) => !unseen.includes(name)).toSorted());
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
  const isIntact = async (folder: string): Promise<boolean> => {
    const manifest = await readManifest(folder).catch(() => undefined);
    if (manifest === undefined) return false;
    const read = { ...run, folder, manifest };
    for (const entry of manifest.databases) if (!(await isGood(read, entry, "checksum"))) return false;
    return (await checkGlobals(read, context.config, { reads: false, signal })) === null;
  };

  const isGood = async (
    of: Run,
    entry: DatabaseEntry,
    level: Level,
    server?: ScratchServer,
  ): Promise<boolean> => {
    const pgRestore = join(serverPrograms ?? "", "pg_restore");
    const means = { level, pgRestore, server };
    return (await proveDatabase(context, of, entry, means)).outcome === "passed";
  };

  const share = (min: number) => fc.double({ min, max: 1, maxExcluded: true, noNaN: true });
  const mask = fc.integer({ min: 1, max: 255 });

  /** Damages any file of a run in any way, so many times; each must be noticed. */
  const noticesAnyDamage = async ({ folder }: Run, { contents, restore }: Pristine, numRuns: number) => {
    const anyDamage = fc.record({
      file: fc.constantFrom(...contents.keys()),
      kind: fc.oneof(
        { arbitrary: fc.constant("flip" as const), weight: 8 },
        { arbitrary: fc.constantFrom("cut" as const, "remove" as const), weight: 2 },
      ),
      share: share(0),
      mask,
    });
    expect(await isIntact(folder)).toBe(true);
    await fc.assert(
      fc.asyncProperty(anyDamage, async ({ file, kind, ...any }) => {
        const content = contents.get(file) ?? Buffer.alloc(0);
        const at = Math.floor(content.length * any.share);
        const how: Damage =
          kind === "flip"
            ? { kind, at, mask: any.mask }
            : kind === "cut"
              ? { kind, sizeBytes: at }
              : { kind };
        await damageFile(join(folder, file), content, how);
        expect(await isIntact(folder)).toBe(false);
        await restore(file);
      }),
      { numRuns, endOnFailure: true },
    );
    expect(await isIntact(folder)).toBe(true);
  };

  /** Changes bytes of the rows and takes the digest after that, so many times; decoding must notice. */
  const noticesByDecoding = async (of: Run, { contents, restore }: Pristine, numRuns: number) => {
    const anyFlip = fc.record({
      entry: fc.constantFrom(...of.manifest.databases.filter(({ name }) => name !== "uncompressed")),
      // Behind the table of contents, and behind the head of a compressed file, in which a name and a time stand.
      share: share(0.5),
      mask,
    });
    await fc.assert(
      fc.asyncProperty(anyFlip, async ({ entry, ...any }) => {
        const file = dataFileOf(entry);
        const content = contents.get(file) ?? Buffer.alloc(0);
        const path = join(of.folder, file);
        await damageFile(path, content, {
          kind: "flip",
          at: Math.floor(content.length * any.share),
          mask: any.mask,
        });
        const digest = { file, ...(await hashFile(path, signal)) };
        const files = entry.files.map((other) => (other.file === file ? digest : other));
        expect(await isGood(of, { ...entry, files }, "checksum")).toBe(true);
        expect(await isGood(of, { ...entry, files }, "decode")).toBe(false);
        await restore(file);
      }),
      { numRuns, endOnFailure: true },
    );
  };

  test("no byte of a run can change, and no file be shortened or go, without being noticed", async () => {
    await noticesAnyDamage(run, pristine, 1000);
  }, 240_000);

  test("damage to the rows from before the digest was taken is found by reading them", async () => {
    await noticesByDecoding(run, pristine, 40);
  }, 60_000);

  test("damage to uncompressed rows from before the digest was taken is found by restoring them", async () => {
    const entry = run.manifest.databases.find(({ name }) => name === "uncompressed");
    if (entry === undefined) throw new Error("there is no uncompressed dump");
    const file = dataFileOf(entry);
    const content = pristine.contents.get(file) ?? Buffer.alloc(0);
    const [first, last] = [1, 3000].map((i) =>
      content.indexOf(createHash("md5").update(String(i)).digest("hex")),
    );
    const server = await openScratchServer(context, run.manifest);
    try {
      expect(await isGood(run, entry, "restore", server)).toBe(true);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: first ?? 0, max: last ?? 0 }), mask, async (at, bits) => {
          await damage(file, { kind: "flip", at, mask: bits });
          const files = [{ file, ...(await hashFile(join(run.folder, file), signal)) }];
          expect(await isGood(run, { ...entry, files }, "restore", server)).toBe(false);
        }),
        { numRuns: 10, endOnFailure: true },
      );
    } finally {
      await server.close();
    }
  }, 60_000);

  test.skipIf(!ageThere)(
    "an encrypted run hides no damage",
    async () => {
      const identityFile = join(keeper.folder, "identity");
      execFileSync("age-keygen", ["-o", identityFile], { stdio: "ignore" });
      await chmod(identityFile, 0o600);
      const recipient = execFileSync("age-keygen", ["-y", identityFile], { encoding: "utf8" }).trim();
      const encryption = { recipients: [recipient], identityFile };
      await keeper.configure({ databases: ["desi"], encryption });
      context.config.encryption = encryption;
      const outcome = await keeper.run("dump");
      expect(outcome.code, outcome.output).toBe(0);
      const encrypted = await keeper.newest();
      const before = await remember(encrypted);
      for (const entry of encrypted.manifest.databases)
        expect(await isGood(encrypted, entry, "decode")).toBe(true);
      await noticesAnyDamage(encrypted, before, 250);
      await noticesByDecoding(encrypted, before, 10);
    },
    120_000,
  );

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

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
