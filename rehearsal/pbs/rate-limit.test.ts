import { expect, it } from "vitest";
import { openBackup } from "./backup-client.ts";
import { bytesOf, TokenBucket, transferLimits } from "./rate-limit.ts";
import { openTestServer } from "./testing.ts";

it("lets the burst through at once, and then no more than the rate", () => {
  let now = 0;
  const bucket = new TokenBucket(1000, 500, () => now);
  expect([bucket.reserve(500), bucket.reserve(1000), bucket.reserve(500)]).toEqual([0, 1000, 1500]);
  now = 1500;
  expect(bucket.reserve(100)).toBe(100);
  // However long nothing came, no more than the burst is saved up.
  now = 60_000;
  expect([bucket.reserve(500), bucket.reserve(100)]).toEqual([0, 100]);
});

it("ends its wait when the task is stopped", async () => {
  const stop = new AbortController();
  const bucket = new TokenBucket(1, 1);
  const taken = bucket.take(1000, stop.signal);
  stop.abort();
  await expect(taken).rejects.toThrow("aborted");
});

it.each([
  ["100", 100],
  ["10 MiB", 10 << 20],
  ["10mib", 10 << 20],
  ["100 MB", 100_000_000],
  ["1.5G", 1_500_000_000],
  ["2Ki", 2048],
])("reads %s as the product does", (text, bytes) => expect(bytesOf(text)).toBe(bytes));

it("limits only the directions that have a rate", () => {
  expect(transferLimits({})).toEqual({});
  expect(Object.keys(transferLimits({ "rate-out": "1 MiB", "burst-in": "1 MiB" }))).toEqual(["out"]);
});

it("says in the log of a transfer that the rules of traffic control are not applied", async () => {
  const server = await openTestServer();
  await server.datastore("vms");
  await server.call("POST", "/config/traffic-control", {
    name: "office",
    network: "192.0.2.0/24",
    "rate-in": "1 MiB",
  });
  await (await openBackup(server.target("vms"), { type: "ct", id: "100", time: 1e9 })).abort();
  const task = server.simulator.tasks.list().find(({ worker_type }) => worker_type === "backup");
  const log = await server.simulator.tasks.logLines(task?.upid ?? "");
  await server.close();
  expect(log.join("\n")).toContain("traffic control is not applied by the simulated server (rules: office)");
});
