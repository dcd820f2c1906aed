import { afterEach, beforeEach, expect, it } from "vitest";
import { listBackups, openBackup, protectBackup, readBackup, type SnapshotId } from "./backup-client.ts";
import { type Login, openTestServer, streamOf, type TestServer } from "./testing.ts";

let source: TestServer;
let copy: TestServer;

const at = (day: number, id = "100"): SnapshotId => ({
  type: "ct",
  id,
  time: Date.UTC(2026, 1, 1 + day) / 1000,
});
const times = async (ns = "") =>
  (await listBackups(copy.target("copy", undefined, { namespace: ns }))).map(
    ({ id, time }) => `${id}:${time}`,
  );
const named = (...list: SnapshotId[]) => list.map(({ id, time }) => `${id}:${time}`);

async function backup(snapshot: SnapshotId, content: string, namespace = ""): Promise<void> {
  const session = await openBackup(source.target("vms", undefined, { namespace }), snapshot);
  await session.upload("root.pxar.didx", streamOf(content));
  await session.finish({ notes: "from afar" });
}

async function sync(extra: Record<string, string | number | boolean> = {}) {
  await copy.call("DELETE", "/config/sync/pull");
  const job = { id: "pull", store: "copy", remote: "offsite", "remote-store": "vms", ...extra };
  const made = await copy.call("POST", "/config/sync", job);
  if (made.status !== 200) throw new Error(made.text);
  return copy.task("POST", "/admin/sync/pull/run");
}

beforeEach(async () => {
  [source, copy] = await Promise.all([openTestServer(), openTestServer()]);
  await source.datastore("vms");
  await copy.datastore("copy");
  const reader: Login = await source.token("sync@pbs", "DatastoreReader", "/datastore/vms");
  await copy.call("POST", "/config/remote", {
    name: "offsite",
    host: "127.0.0.1",
    port: source.port,
    fingerprint: source.fingerprint,
    "auth-id": reader.token,
    password: reader.secret,
  });
});
afterEach(() => Promise.all([source.close(), copy.close()]));

it("pulls backups that can be read where they arrive, and only once", async () => {
  await backup(at(0), "first");
  await backup(at(1), "second");
  expect(await sync({ owner: "root@pam" })).toMatchObject({ status: "OK" });
  expect(await listBackups(copy.target("copy"))).toMatchObject([
    { ...at(1), owner: "root@pam", comment: "from afar" },
    at(0),
  ]);
  let content = "";
  for await (const part of await readBackup(copy.target("copy"), at(1), "root.pxar.didx")) content += part;
  expect(content).toBe("second");
  const { log } = await sync();
  expect(log.filter((line) => line.startsWith("sync snapshot"))).toEqual([]);
});

it("takes only what the job wants", async () => {
  for (const day of [0, 1, 2]) await backup(at(day), `${day}`);
  await backup(at(0, "200"), "x");
  await sync({ "group-filter": "exclude:group:ct/200", "transfer-last": 2 });
  expect(await times()).toEqual(named(at(2), at(1)));
  await sync({ "verified-only": true });
  expect(await times()).toEqual(named(at(2), at(1)));
  await source.task("POST", "/admin/datastore/vms/verify");
  await sync({ "verified-only": true });
  expect(await times()).toEqual(named(at(2), at(1), at(0, "200")));
  expect(await listBackups(copy.target("copy"))).not.toContainEqual(
    expect.objectContaining({ verification: expect.anything() }),
  );
});

it("maps namespaces down to a depth", async () => {
  await source.call("POST", "/admin/datastore/vms/namespace", { name: "lab" });
  await source.call("POST", "/admin/datastore/vms/namespace", { name: "deep", parent: "lab" });
  await backup(at(0), "root");
  await backup(at(0), "lab", "lab");
  await backup(at(0), "deep", "lab/deep");
  await copy.call("POST", "/admin/datastore/copy/namespace", { name: "far" });
  await sync({ "remote-ns": "lab", ns: "far", "max-depth": 0 });
  expect([await times("far"), await times()]).toEqual([named(at(0)), []]);
  await sync({ "remote-ns": "lab", ns: "far" });
  expect(await times("far/deep")).toEqual(named(at(0)));
});

it("removes what vanished where that is wanted, but nothing protected", async () => {
  for (const day of [0, 1, 2]) await backup(at(day), `${day}`);
  await sync();
  await protectBackup(copy.target("copy"), at(0), true);
  for (const day of [0, 1]) {
    const key = { "backup-type": "ct", "backup-id": "100", "backup-time": at(day).time };
    await source.call("DELETE", "/admin/datastore/vms/snapshots", key);
  }
  await sync();
  expect(await times()).toHaveLength(3);
  await sync({ "remove-vanished": true });
  expect(await times()).toEqual(named(at(2), at(0)));
});

it("leaves groups of other owners alone and fails, copying the rest", async () => {
  await backup(at(0), "x");
  const session = await openBackup(copy.target("copy"), at(0));
  await session.upload("root.pxar.didx", streamOf("mine"));
  await session.finish();
  await backup(at(0, "200"), "y");
  const { status, log } = await sync();
  expect(status).toBe("sync failed with some errors.");
  expect(log).toContain("sync group ct/100 failed - owner check failed (root@pam != root@pam!admin)");
  expect(await times()).toContain(named(at(0, "200"))[0]);
});

it("fails with the other server's words when that refuses, and leaves nothing half copied", async () => {
  await backup(at(0), "x");
  source.simulator.faults.add({ path: "/sim/reader/chunks", times: 1, drop: "half" });
  expect((await sync()).status).toBe("sync failed with some errors.");
  expect(await times()).toEqual([]);
  await copy.call("PUT", "/config/remote/offsite", { password: "wrong" });
  expect((await sync()).status).toBe("authentication failed - invalid API token secret");
});
