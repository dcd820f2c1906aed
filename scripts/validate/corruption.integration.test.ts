import { execFile } from "node:child_process";
import { cp, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hashFile } from "../dump/file.ts";
import {
  type DatabaseEntry,
  isValidated,
  levels,
  type Manifest,
  pathOfDump,
  writeManifest,
} from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
} from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";

const never = new AbortController().signal;

describe.skipIf(serverPrograms === undefined)(`corrupt dumps (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;
  let pristine: string;
  let run: Run;

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
    pristine = join(keeper.folder, "pristine");
    await cp(run.folder, pristine, { recursive: true });
  }, 60_000);

  beforeEach(async () => {
    await rm(run.folder, { recursive: true });
    await cp(pristine, run.folder, { recursive: true });
  });

  afterAll(async () => {
    await cluster?.stop();
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  const dumpPath = () => join(run.folder, pathOfDump(firstEntry(run.manifest)));

  const truncateTo = (share: number) => async () => {
    const { size } = await stat(dumpPath());
    await truncate(dumpPath(), Math.floor(size * share));
  };

  const flipBit = async () => {
    const { size } = await stat(dumpPath());
    await flipBitAt(dumpPath(), Math.floor(size / 2));
  };

  /** Puts a dump without any compression in the place of the one that is there. */
  const dumpUncompressed = async () => {
    const file = "plain.dump";
    await rm(dumpPath());
    await promisify(execFile)(join(serverPrograms ?? "", "pg_dump"), [
      "--format=custom",
      "--compress=0",
      `--file=${join(run.folder, file)}`,
      `--host=${cluster.socketDirectory}`,
      "--username=postgres",
      "desi",
    ]);
    const entry: DatabaseEntry = {
      ...firstEntry(run.manifest),
      files: [{ file, ...(await hashFile(join(run.folder, file), never)) }],
      format: "custom",
    };
    run = { ...run, manifest: { ...run.manifest, databases: [entry] } };
  };

  /** The digest of what is there now, as if the damage had come before the digest was taken. */
  const forgeDigest = async () => {
    const entry = firstEntry(run.manifest);
    const digest = await hashFile(dumpPath(), never);
    const files = [{ file: pathOfDump(entry), ...digest }];
    await writeManifest(run.folder, { ...run.manifest, databases: [{ ...entry, files }] });
  };

  const expectRefused = async (level: string) => {
    const outcome = await keeper.run("validate", "--level", level);
    expect(outcome.code, outcome.output).toBe(6);
    const { manifest } = await keeper.newest();
    expect(isValidated(manifest)).toBe(false);
    expect(manifest.validation?.outcome).toBe("failed");
    expect(await cluster.sql("select 1 from pg_database where datname like 'dbkeeper%'")).toEqual([]);
  };

  const expectGood = async (...argv: string[]) => {
    const outcome = await keeper.run(...argv);
    expect(outcome.code, outcome.output).toBe(0);
  };

  test.each(levels)("a good dump passes at level %s", async (level) => {
    await expectGood("validate", "--level", level);
    expect(isValidated((await keeper.newest()).manifest)).toBe(level === "restore");
  });

  const damages = {
    "cut to 99 %": truncateTo(0.99),
    "cut to 60 %": truncateTo(0.6),
    "cut to 10 %": truncateTo(0.1),
    "one bit flipped": flipBit,
    empty: truncateTo(0),
  };

  describe.each(Object.entries(damages))("a dump %s", (_name, damage) => {
    test.each(levels)("is refused at level %s", async (level) => {
      await damage();
      await expectRefused(level);
    });

    test.each(["decode", "restore"])(
      "is refused at level %s even where the digest matches",
      async (level) => {
        await damage();
        await forgeDigest();
        await expectRefused(level);
      },
    );
  });

  test("a missing file is refused", async () => {
    await rm(dumpPath());
    await expectRefused("checksum");
  });

  test("a changed row in an uncompressed dump, which decodes well, is found by comparing rows", async () => {
    const original = run;
    try {
      await dumpUncompressed();
      await forgeDigest();
      await expectGood("validate");
      // A digit of a row: the archive stays well-formed.
      await replaceBytes(dumpPath(), "2999\t", "2998\t");
      await forgeDigest();
      await expectGood("validate", "--level", "decode");
      await expectRefused("restore");
      const reason = (await keeper.newest()).manifest.validation?.databases[0]?.reason;
      expect(reason).toMatch(/"public"."galaxies" has 3000 rows, but with other content/);
    } finally {
      run = original;
    }
  });

  test("globals that are cut short are refused", async () => {
    const { globals } = run.manifest;
    await truncate(join(run.folder, globals.file), globals.sizeBytes - 60);
    await expectRefused("checksum");
    const digest = await hashFile(join(run.folder, globals.file), never);
    await writeManifest(run.folder, { ...run.manifest, globals: { ...globals, ...digest } });
    await expectRefused("checksum");
  });

  test("a damaged manifest is refused", async () => {
    await writeFile(join(run.folder, "manifest.json"), '{"formatVersion": 1');
    const outcome = await keeper.run("validate");
    expect(outcome.code).toBe(6);
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

  test("a scratch database that a crash left behind is dropped, and nothing else", async () => {
    await cluster.sql(`create database dbkeeper_scratch_0123456789abcdef owner ${backupRole}`);
    await cluster.sql(`create database dbkeeper_scratch_mine owner ${backupRole}`);
    await expectGood("validate");
    expect(await cluster.sql("select datname from pg_database where datname like 'dbkeeper%'")).toEqual([
      { datname: "dbkeeper_scratch_mine" },
    ]);
    await cluster.sql("drop database dbkeeper_scratch_mine");
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

function firstEntry(manifest: Manifest): Manifest["databases"][number] {
  const [entry] = manifest.databases;
  if (entry === undefined) throw new Error("the run holds no database");
  return entry;
}

async function flipBitAt(path: string, position: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8() ^ 1);
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}

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
