import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Config, configSchema } from "../config.ts";
import type { Context } from "../context.ts";
import { archiveOf, readArchive, restoreArchive } from "../postgres/archive-file.ts";
import { compareFingerprints, listTables, takeFingerprint } from "../postgres/fingerprint.ts";
import { openScratchServer, withScratchDatabase } from "../postgres/scratch.ts";
import { connect } from "../postgres/session.ts";
import { type DatabaseEntry, writeManifest } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { runPipeline } from "../system/child.ts";
import {
  backupRole,
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
} from "../testing/cluster.ts";
import { everyKind } from "../testing/every-kind.ts";
import { dumpAs } from "../testing/formats.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { checkIndexes } from "./indexes.ts";

const signal = new AbortController().signal;

describe.skipIf(serverPrograms === undefined)(
  `every kind of object (${serverPrograms ?? skipReason})`,
  () => {
    let cluster: TestCluster;
    let keeper: Keeper;
    let run: Run;
    let own: DatabaseEntry;
    let entries: Record<DatabaseEntry["format"], DatabaseEntry>;
    let source: Map<string, string>;
    let sourceWithRights: Map<string, string>;

    beforeAll(async () => {
      cluster = await startCluster();
      keeper = await newKeeper(cluster, { databases: ["kinds"] });
      await cluster.sql("create role reader");
      await cluster.sql("create database kinds");
      await cluster.sql(everyKind, "kinds");
      const outcome = await keeper.run("dump");
      expect(outcome.code, outcome.output).toBe(0);
      run = await keeper.newest();
      const [entry] = run.manifest.databases;
      if (entry === undefined) throw new Error("the run holds no database");
      own = entry;
      entries = {
        "custom+zstd": own,
        custom: await dumpAs("custom", { cluster, run, like: own }),
        directory: await dumpAs("directory", { cluster, run, like: own }),
      };
      run = { ...run, manifest: { ...run.manifest, databases: Object.values(entries) } };
      await writeManifest(run.folder, run.manifest);
      source = await describeDatabase("kinds");
      sourceWithRights = await describeDatabase("kinds", "with rights");
      expect(
        [...sourceWithRights.keys()].filter((key) => /^(DEFAULT )?ACL /.test(key)).length,
      ).toBeGreaterThan(4);
    }, 60_000);

    afterAll(async () => {
      await cluster?.stop();
      if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
    });

    /** Everything that pg_dump says about a database, schema and rows, by the name of each object. */
    async function describeDatabase(database: string, rights?: "with rights"): Promise<Map<string, string>> {
      const { stdout } = await promisify(execFile)(
        join(serverPrograms ?? "", "pg_dump"),
        [
          ...(rights === undefined ? ["--no-owner", "--no-privileges"] : []),
          `--host=${cluster.socketDirectory}`,
          `--port=${cluster.port}`,
          "--username=postgres",
          database,
        ],
        { maxBuffer: 64 * 1024 * 1024 },
      );
      const objects = new Map<string, string>();
      for (const part of stdout.split(/^--\n-- (?:Data for )?Name: /m).slice(1)) {
        const [, name, type, schema] = /^(.*); Type: (.*); Schema: (.*); Owner: /.exec(part) ?? [];
        const body = part
          .slice(part.indexOf("\n--\n") + 4)
          .replaceAll(/^(SET .*;|--.*|\\(?:un)?restrict .*)?\n/gm, "");
        objects.set(`${type} ${schema} ${name}`, body);
      }
      const [sums] = await cluster.sql("select array_agg(s order by s)::text as rows from sums s", database);
      objects.set("rows of sums", String(sums?.rows));
      return objects;
    }

    /** Restores an entry into a scratch database and hands it to `look` before it is dropped. */
    async function restored<T>(
      entry: DatabaseEntry,
      role: string,
      look: (database: string, notRestored: string[]) => Promise<T>,
    ): Promise<T> {
      const { socketDirectory } = cluster;
      const config: Config = configSchema.parse({
        cluster: keeper.cluster,
        restoreInto: { socketDirectory, port: cluster.port, role },
      });
      const context: Context = { config, report: { event: () => undefined }, signal, now: () => new Date() };
      const server = await openScratchServer(context, run.manifest);
      try {
        return await withScratchDatabase(server, entry, async ({ name, session }) => {
          const archive = await archiveOf(run, entry, join(serverPrograms ?? "", "pg_restore"), config);
          const notRestored = await restoreArchive(archive, server, name, signal);
          const content = await takeFingerprint(session, await listTables(session), signal);
          expect(own.content && compareFingerprints(own.content, content)).toEqual([]);
          return await look(name, notRestored);
        });
      } finally {
        await server.close();
      }
    }

    const formats = ["custom+zstd", "custom", "directory"] as const;

    test.each(formats)(
      "comes back from the format %s as it was",
      async (format) => {
        expect(entries[format].format).toBe(format);
        await restored(entries[format], "postgres", async (database, notRestored) => {
          expect(Object.fromEntries(await describeDatabase(database))).toEqual(Object.fromEntries(source));
          expect(notRestored).toEqual([expect.stringMatching(/^privileges \(\d+\)$/)]);
        });
      },
      60_000,
    );

    test.each(formats)(
      "comes back from the format %s with every owner and right by `dbkeeper restore`",
      async (format) => {
        const { name } = entries[format];
        const outcome = await keeper.run(
          ...["restore", "--database", name, "--as", `of ${format}`, "--unvalidated", "--yes"],
        );
        expect(outcome.code, outcome.output).toBe(0);
        await expectCopy(`of ${format}`);
      },
      60_000,
    );

    test.each(formats)(
      "comes back from the format %s as a plain script that psql plays",
      async (format) => {
        const config = configSchema.parse({ cluster: keeper.cluster });
        const archive = await archiveOf(
          run,
          entries[format],
          join(serverPrograms ?? "", "pg_restore"),
          config,
        );
        const script = join(keeper.folder, `${format}.sql`);
        await readArchive(archive, [`--file=${script}`], runPipeline, { signal });
        await cluster.sql(`create database "played ${format}" template template0`);
        const place = [`--host=${cluster.socketDirectory}`, `--port=${cluster.port}`, "--username=postgres"];
        const options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", `--file=${script}`];
        await promisify(execFile)(join(serverPrograms ?? "", "psql"), [
          ...[...place, ...options, `--dbname=played ${format}`],
        ]);
        await expectCopy(`played ${format}`);
      },
      60_000,
    );

    /** Every object, owner, right and row is that of the source. */
    const expectCopy = async (database: string) => {
      const copy = await describeDatabase(database, "with rights");
      expect(Object.fromEntries(copy)).toEqual(Object.fromEntries(sourceWithRights));
      const { socketDirectory, port } = cluster;
      const connection = { socketDirectory, port, role: "postgres", maintenanceDatabase: "postgres" };
      const session = await connect(connection, database);
      try {
        const content = await takeFingerprint(session, await listTables(session), signal);
        expect(own.content && compareFingerprints(own.content, content)).toEqual([]);
      } finally {
        await session.close();
      }
    };

    test("what a role without superuser rights cannot restore is named, and nothing else is missing", async () => {
      await restored(own, backupRole, async (database, notRestored) => {
        const copy = await describeDatabase(database);
        const missing = [...source.keys()].filter((key) => !copy.has(key));
        expect(missing.length).toBeGreaterThan(10);
        const named = new Set(notRestored.map((text) => text.replace(/ postgres$/, "")));
        expect(missing.filter((key) => !named.has(key))).toEqual([]);
        for (const [key, body] of copy) expect(body, key).toBe(source.get(key));
      });
    }, 30_000);

    test("indexes are checked by a role that may, and one that lacks a row is found", async () => {
      await cluster.sql("create database checked");
      await cluster.sql(
        `create function public.shifted(int) returns int immutable language sql as 'select $1';
       create table t (a int primary key); insert into t select generate_series(1, 100);
       create index shifted_a on t (public.shifted(a))`,
        "checked",
      );
      const { socketDirectory, port } = cluster;
      const check = async () => {
        const session = await connect(
          { socketDirectory, port, role: "postgres", maintenanceDatabase: "postgres" },
          "checked",
        );
        try {
          return await checkIndexes(session, signal);
        } finally {
          await session.close();
        }
      };
      expect(await check()).toEqual({ outcome: "passed", checked: 2, reason: null });
      await cluster.sql(
        "create or replace function shifted(int) returns int immutable language sql as 'select $1 + 1'",
        "checked",
      );
      expect(await check()).toMatchObject({
        outcome: "failed",
        reason: expect.stringMatching(
          /^amcheck: heap tuple .* lacks matching index tuple within index "shifted_a"/,
        ),
      });
    });
  },
);
