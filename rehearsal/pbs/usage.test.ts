import { rm } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openBackup } from "./backup-client.ts";
import { type Login, openTestServer, streamOf, type TestServer } from "./testing.ts";

let server: TestServer;
let root: string;

beforeEach(async () => {
  server = await openTestServer();
  root = await server.datastore("vms");
  await server.call("POST", "/admin/datastore/vms/namespace", { name: "lab" });
  for (const [id, namespace] of [
    ["100", ""],
    ["100", "lab"],
    ["200", "lab"],
  ] as const) {
    const session = await openBackup(server.target("vms", undefined, { namespace }), {
      type: "ct",
      id,
      time: 1e9,
    });
    await session.upload("root.pxar.didx", streamOf("content"));
    await session.finish();
  }
});
afterEach(() => server.close());

const status = async (as?: Login) =>
  (await server.call("GET", "/admin/datastore/vms/status", { verbose: true }, as)).data;
const usage = async (as?: Login) => (await server.call("GET", "/status/datastore-usage", {}, as)).data;

it("counts the backups of all namespaces, and tells what the last garbage collection came to", async () => {
  expect(await status()).toMatchObject({
    counts: { ct: { groups: 3, snapshots: 3 } },
    "gc-status": { "disk-chunks": 0 },
  });
  await server.task("POST", "/admin/datastore/vms/gc");
  const collected = { "index-file-count": 3, "disk-chunks": 1, "disk-bytes": 7, "index-data-bytes": 21 };
  expect(await status()).toMatchObject({ "gc-status": { ...collected, upid: expect.any(String) } });
  expect(await usage()).toMatchObject([
    { store: "vms", total: expect.any(Number), avail: expect.any(Number), "gc-status": collected },
  ]);
  expect((await server.call("GET", "/admin/datastore/vms/gc")).data).toMatchObject({
    ...collected,
    "last-run-state": "OK",
  });
});

it("says why a datastore cannot be looked at", async () => {
  await rm(root, { recursive: true });
  expect(await usage()).toMatchObject([{ store: "vms", error: expect.stringContaining("ENOENT") }]);
  await server.call("PUT", "/config/datastore/vms", { "maintenance-mode": "type=offline" });
  expect(await usage()).toMatchObject([{ error: expect.stringContaining("offline maintenance mode") }]);
});

it("tells who may see one namespace alone that there is a datastore, and nothing of its room", async () => {
  const inside = await server.token("inside@pbs", "DatastoreBackup", "/datastore/vms/lab");
  expect(await usage(inside)).toEqual([
    { store: "vms", "mount-status": "nonremovable", "backend-type": "filesystem" },
  ]);
  expect(await status(inside)).toMatchObject({ total: 0, used: 0, avail: 0, counts: {} });
  const stranger = await server.token("none@pbs", "RemoteAudit", "/remote");
  expect(await usage(stranger)).toEqual([]);
  expect((await server.call("GET", "/admin/datastore/vms/status", {}, stranger)).status).toBe(403);
});
