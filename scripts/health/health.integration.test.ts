import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runsFolder } from "../runs/runs.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { until } from "../testing/wait.ts";
import type { Health } from "./health.ts";

describe.skipIf(serverPrograms === undefined)(`health (${serverPrograms ?? skipReason})`, () => {
  let cluster: TestCluster;
  let keeper: Keeper;

  beforeAll(async () => {
    cluster = await startCluster();
  }, 60_000);
  afterAll(() => cluster?.stop());
  beforeEach(async () => {
    keeper = await newKeeper(cluster);
  });
  afterEach(() => rm(keeper.folder, { recursive: true }));

  const ask = async (...options: string[]) => {
    const { code, output } = await keeper.run("health", ...options);
    return { code, health: JSON.parse(output.split("\n")[0] ?? "") as Health };
  };

  test("a new server is live and ready, and without a dump it is not well", async () => {
    expect(await ask("--live")).toMatchObject({ code: 0, health: { state: "ok" } });
    const ready = await ask("--ready");
    expect(ready).toMatchObject({ code: 0, health: { state: "ok", cluster: "pg01" } });
    expect(Object.keys(ready.health.components)).toEqual(["server", "connections", "replication"]);
    const { code, health } = await ask();
    expect(code).toBe(9);
    expect(health.components.dumps).toMatchObject({ state: "failing", detail: "there is no dump yet" });
    for (const name of ["server", "connections", "replication", "locks", "buffers", "folders"])
      expect(health.components[name], name).toMatchObject({ state: "ok" });
  });

  test("a statement that waits for a lock is seen", async () => {
    await keeper.configure({ health: { lockWaitSeconds: { warning: 0.01, failing: 0.02 } } });
    const [holder, waiter] = [await cluster.session(), await cluster.session()];
    await cluster.sql("create table locked (id int)");
    await holder.query("begin; lock table locked");
    const waiting = waiter.query("select from locked");
    await until("the wait", async () => (await ask("--only", "locks")).code === 9);
    const { health } = await ask("--only", "locks");
    expect(health.components.locks?.detail).toMatch(/^1 wait for a lock, the longest for/);
    await holder.query("rollback");
    await waiting;
    await Promise.all([holder.end(), waiter.end()]);
    expect((await ask("--only", "locks")).code).toBe(0);
    expect(await keeper.metrics()).toMatch(
      /dbkeeper_last_run_success\{cluster="pg01",command="health locks"\} 1/,
    );
  });

  test("a slot that nobody uses warns, and a standby away does not take the primary out", async () => {
    await cluster.sql("select pg_create_physical_replication_slot('pg02', true)");
    const { code, health } = await ask("--ready");
    await cluster.sql("select pg_drop_replication_slot('pg02')");
    expect(code).toBe(0);
    expect(health.components.replication).toMatchObject({
      state: "warning",
      detail: "nobody uses slot pg02",
    });
  });

  test("a lost file of a run and a run without a manifest are failing", async () => {
    expect((await keeper.run("dump")).code).toBe(0);
    expect((await ask("--only", "folders")).code).toBe(0);
    const run = await keeper.newest();
    await rm(join(run.folder, run.manifest.globals.file));
    await mkdir(join(runsFolder(keeper.directory, "pg01"), "20200101T000000Z"));
    const { code, health } = await ask("--only", "folders,disk");
    expect(code).toBe(9);
    expect(health.components.folders?.detail).toMatch(/manifest\.json.*; run .*globals\.sql is missing$/);
  });

  test("a server that is gone is neither live nor ready, and the report says that it did not answer", async () => {
    await keeper.configure({
      cluster: { name: "pg01", socketDirectory: keeper.folder, role: "nobody" },
      health: { deadlineSeconds: 1 },
    });
    for (const option of ["--live", "--ready"]) expect((await ask(option)).code).toBe(9);
    const report = await keeper.run("report", "daily", "--dry-run");
    expect(report.code).toBe(0);
    expect(JSON.parse(report.output.split("\n")[0] ?? "")).toMatchObject({
      kind: "daily",
      attention: [
        expect.stringMatching(/^There is no dump yet: /),
        expect.stringMatching(/^The server did not say how large its databases are now: /),
      ],
    });
  });

  test("what cannot be asked is refused before anything is", async () => {
    expect((await keeper.run("health", "--only", "weather")).code).toBe(2);
    expect((await keeper.run("health", "--live", "--ready")).code).toBe(2);
    await keeper.configure({ health: { address: "0.0.0.0" } });
    expect((await keeper.run("health", "serve")).code).toBe(2);
  });
});
