import { afterEach, beforeEach, expect, test } from "vitest";
import { runDueJobs, skipMissedJobs } from "./scheduler.ts";
import { startTestCluster, type TestCluster } from "./testing.ts";

const night = Date.parse("2026-03-01T01:59:30Z");
let cluster: TestCluster;
let now: number;

beforeEach(async () => {
  cluster = await startTestCluster();
  now = night;
  cluster.sim.clock = () => now;
  await cluster.client.task("POST", "/nodes/pve1/qemu", { vmid: 100 });
  await cluster.client.task("POST", "/nodes/pve2/qemu", { vmid: 200 });
  const job = { id: "nightly", schedule: "02:00", storage: "local", vmid: "100,200" };
  await cluster.client.ok("POST", "/cluster/backup", job);
});
afterEach(() => cluster.close());

const nodesOf = (upids: readonly string[]) => upids.map((upid) => upid.split(":")[1]);

test("a job runs once when its time comes, on each node for the guests there", async () => {
  expect(await runDueJobs(cluster.sim)).toEqual([]);
  now += 60_000;
  const started = await runDueJobs(cluster.sim);
  expect(nodesOf(started)).toEqual(["pve1", "pve2"]);
  expect(started[0]).toMatch(/:vzdump:100:root@pam:$/);
  expect(await runDueJobs(cluster.sim)).toEqual([]);
  await cluster.sim.tasks.settle();
  expect((await cluster.sim.tasks.log(started[0] ?? "")).slice(0, 2)).toEqual([
    expect.stringMatching(/^INFO: starting new backup job: vzdump 100 .*--job-id nightly --node pve1$/),
    "INFO: skip external VMs: 200",
  ]);
  now += 24 * 3600_000;
  expect(await runDueJobs(cluster.sim)).toHaveLength(2);
});

test("a job that is off or whose node is off does not run", async () => {
  await cluster.client.ok("PUT", "/cluster/backup/nightly", { enabled: 0 });
  now += 60_000;
  expect(await runDueJobs(cluster.sim)).toEqual([]);
  await cluster.client.ok("PUT", "/cluster/backup/nightly", { enabled: 1, schedule: "03:00" });
  await fetch(`${cluster.url}/sim/nodes/pve2`, {
    method: "PUT",
    headers: {
      authorization: "PVEAPIToken=test@pve!all=0d1f6f2e-secret",
      "content-type": "application/json",
    },
    body: JSON.stringify({ status: "offline" }),
  });
  now += 3600_000;
  expect(nodesOf(await runDueJobs(cluster.sim))).toEqual(["pve1"]);
});

test("what was missed is made up for only where the job says so", async () => {
  const later = async (repeat: number) => {
    await cluster.client.ok("PUT", "/cluster/backup/nightly", { "repeat-missed": repeat });
    now += 24 * 3600_000;
    await skipMissedJobs(cluster.sim);
    return (await runDueJobs(cluster.sim)).length;
  };
  expect(await later(0)).toBe(0);
  expect(await later(1)).toBe(2);
});
