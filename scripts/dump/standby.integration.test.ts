import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  serverPrograms,
  skipReason,
  startCluster,
  startStandby,
  type TestCluster,
} from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";

describe.skipIf(serverPrograms === undefined)(`a standby (${serverPrograms ?? skipReason})`, () => {
  let primary: TestCluster;
  let standby: TestCluster;
  let keeper: Keeper;

  beforeAll(async () => {
    primary = await startCluster();
    await primary.sql("create database desi");
    await primary.sql(
      "create table doomed as select 1 as i; create table kept as select 2 as i; create unlogged table quick as select 3 as i",
      "desi",
    );
    standby = await startStandby(primary, "max_standby_streaming_delay = 0\nhot_standby_feedback = off\n");
    keeper = await newKeeper(standby, { databases: ["desi"] });
  }, 60_000);

  afterAll(async () => {
    await standby?.stop();
    await primary?.stop();
    if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
  });

  test("is dumped, and the run says that it is one", async () => {
    const outcome = await keeper.run("dump");
    expect(outcome.code, outcome.output).toBe(0);
    const { manifest } = await keeper.newest();
    expect(manifest).toMatchObject({
      standby: true,
      walPosition: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    });
    const rows = manifest.databases[0]?.content?.tables.map(({ name, rows }) => [name, rows]);
    expect(rows).toEqual([
      ["doomed", 1],
      ["kept", 1],
      ["quick", 0],
    ]);
  }, 30_000);

  test("is left to what its primary does: maintenance has nothing to do there", async () => {
    const outcome = await keeper.run("maintain", "daily");
    expect(outcome.code, outcome.output).toBe(0);
    expect(outcome.events.map(({ event }) => event)).toContain("maintenance-skipped");
  });

  test("that ends a dump to go on replaying: the reason names what gives it time", async () => {
    const binDirectory = join(keeper.folder, "bin");
    const go = join(keeper.folder, "go");
    await mkdir(binDirectory);
    for (const name of ["pg_dumpall", "pg_restore"]) {
      await symlink(join(serverPrograms ?? "", name), join(binDirectory, name));
    }
    const script = `#!/bin/sh\n[ "$1" = --version ] || until [ -e ${go} ]; do sleep 0.05; done\nexec ${join(serverPrograms ?? "", "pg_dump")} "$@"\n`;
    await writeFile(join(binDirectory, "pg_dump"), script, { mode: 0o755 });
    await keeper.configure({ databases: ["desi"], cluster: { ...keeper.cluster, binDirectory } });
    const sessions = (condition: string) => async () =>
      (
        await standby.sql(
          `select 1 from pg_stat_activity where datname = 'desi' and application_name = 'dbkeeper'${condition}`,
        )
      ).length > 0;
    const running = keeper.run("dump");
    await until("the dump to hold its locks", sessions(" and state = 'idle in transaction'"));
    await primary.sql("drop table doomed", "desi");
    await until("the standby to end its session", async () => !(await sessions("")()));
    await writeFile(go, "");
    const outcome = await running;
    expect(outcome.code, outcome.output).toBe(1);
    expect(outcome.events.find(({ event }) => event === "dump-failed")?.text).toMatch(
      /hot_standby_feedback = on/,
    );
  }, 30_000);
});
