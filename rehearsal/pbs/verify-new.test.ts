import { rm } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sha256 } from "./archive.ts";
import { listBackups, openBackup, type SnapshotId } from "./backup-client.ts";
import { chunkPath } from "./chunks.ts";
import { openTestServer, streamOf, type TestServer } from "./testing.ts";

let server: TestServer;
let root: string;

beforeEach(async () => {
  server = await openTestServer();
  root = await server.datastore("vms", { "verify-new": true });
});
afterEach(() => server.close());

const at = (day: number): SnapshotId => ({ type: "ct", id: "100", time: 1_770_000_000 + day * 86_400 });

/** Runs what is given once the backup's chunks are there. */
async function backup(snapshot: SnapshotId, beforeItEnds: () => Promise<void> = async () => {}) {
  const session = await openBackup(server.target("vms"), snapshot);
  await session.upload("root.pxar.didx", streamOf("content"));
  await beforeItEnds();
  await session.finish();
  await server.simulator.tasks.idle();
}

const verifications = () =>
  server.simulator.tasks.list().filter(({ worker_type }) => worker_type === "verify");

it("verifies a new backup once, in the name of who made it", async () => {
  await backup(at(0));
  const [task, ...more] = verifications();
  expect(task).toMatchObject({
    worker_id: `vms:ct/100/${at(0).time.toString(16).toUpperCase()}`,
    user: "root@pam!admin",
    status: "OK",
  });
  expect(more).toEqual([]);
  expect((await server.simulator.tasks.logLines(task?.upid ?? "")).join("\n")).toContain(
    "Automatically verifying newly added snapshot",
  );
  expect(await listBackups(server.target("vms"))).toMatchObject([
    { ...at(0), verification: { state: "ok", upid: task?.upid } },
  ]);
});

it("shows that a new backup is damaged, and leaves older ones alone", async () => {
  await server.call("PUT", "/config/datastore/vms", { "verify-new": false });
  await backup(at(0));
  expect(verifications()).toEqual([]);
  await server.call("PUT", "/config/datastore/vms", { "verify-new": true });
  await backup(at(1), () => rm(chunkPath(root, sha256("content"))));
  expect(verifications()).toMatchObject([
    { status: "verification failed - please check the log for details" },
  ]);
  const [newest, older] = await listBackups(server.target("vms"));
  expect([newest?.verification?.state, older?.verification]).toEqual(["failed", undefined]);
});
