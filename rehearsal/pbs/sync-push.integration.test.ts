import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type BackupTarget,
  listBackups,
  openBackup,
  protectBackup,
  readBackup,
  type SnapshotId,
} from "./backup-client.ts";
import { type Login, openTestServer, streamOf, type TestServer } from "./testing.ts";

let here: TestServer;
let there: TestServer;
/** As whom the remote logs in. */
let pusher: Login;

const at = (day: number, id = "100"): SnapshotId => ({
  type: "ct",
  id,
  time: Date.UTC(2026, 1, 1 + day) / 1000,
});
const named = (...list: SnapshotId[]) => list.map(({ id, time }) => `${id}:${time}`);
const arrived = async (namespace = "") =>
  named(...(await listBackups(there.target("copy", undefined, { namespace }))));

async function backup(
  snapshot: SnapshotId,
  content: string,
  extra: Partial<BackupTarget> = {},
  as?: Login,
): Promise<void> {
  const session = await openBackup(here.target("vms", as, extra), snapshot);
  await session.upload("root.pxar.didx", streamOf(content));
  await session.finish({ notes: "from here" });
}

const push = (extra: Record<string, string | number | boolean> = {}, as?: Login) =>
  here.task("POST", "/push", { store: "vms", remote: "offsite", "remote-store": "copy", ...extra }, as);

async function grant(server: TestServer, who: Login, role: string, path: string): Promise<void> {
  for (const id of [who.token.split("!")[0] ?? "", who.token])
    await server.call("PUT", "/access/acl", { path, role, "auth-id": id });
}

beforeEach(async () => {
  [here, there] = await Promise.all([openTestServer(), openTestServer()]);
  await here.datastore("vms");
  await there.datastore("copy");
  pusher = await there.token("push@pbs", "DatastorePowerUser", "/datastore/copy");
  await here.call("POST", "/config/remote", {
    name: "offsite",
    host: "127.0.0.1",
    port: there.port,
    fingerprint: there.fingerprint,
    "auth-id": pusher.token,
    password: pusher.secret,
  });
});
afterEach(() => Promise.all([here.close(), there.close()]));

it("puts backups where they can be read, owned by whom the remote logs in as, and only once", async () => {
  const encryptionKey = Buffer.alloc(32, 7);
  await backup(at(0), "first");
  await backup(at(1), "second", { encryptionKey });
  expect(await push()).toMatchObject({ status: "OK" });
  expect(await listBackups(there.target("copy"))).toMatchObject([
    { ...at(1), owner: pusher.token, comment: "from here", fingerprint: expect.any(String) },
    { ...at(0), owner: pusher.token },
  ]);
  let content = "";
  const target = there.target("copy", pusher, { encryptionKey });
  for await (const part of await readBackup(target, at(1), "root.pxar.didx")) content += part;
  expect(content).toBe("second");
  expect((await push()).log.filter((line) => line.startsWith("sync snapshot"))).toEqual([]);
});

it("sends nothing that the last backup there holds", async () => {
  await backup(at(0), "same");
  await push();
  await backup(at(1), "same");
  expect((await push()).log).toContain("uploaded 0 B");
});

it("takes only what the job wants", async () => {
  for (const day of [0, 1, 2]) await backup(at(day), `${day}`);
  await backup(at(0, "200"), "x");
  await push({ "group-filter": "exclude:group:ct/200", "transfer-last": 2 });
  expect(await arrived()).toEqual(named(at(2), at(1)));
  await push({ "encrypted-only": true });
  await push({ "verified-only": true });
  expect(await arrived()).toEqual(named(at(2), at(1)));
  await here.task("POST", "/admin/datastore/vms/verify");
  await push({ "verified-only": true });
  expect(await arrived()).toEqual(named(at(2), at(1), at(0, "200")));
});

it("maps namespaces down to a depth, making them where both sides allow it", async () => {
  for (const [name, parent] of [["lab"], ["deep", "lab"]] as const)
    await here.call("POST", "/admin/datastore/vms/namespace", { name, ...(parent ? { parent } : {}) });
  await there.call("POST", "/admin/datastore/copy/namespace", { name: "far" });
  await backup(at(0), "lab", { namespace: "lab" });
  await backup(at(0), "deep", { namespace: "lab/deep" });
  expect(await push({ ns: "lab", "remote-ns": "far", "max-depth": 0 })).toMatchObject({ status: "OK" });
  const refused = await push({ ns: "lab", "remote-ns": "far" });
  expect(refused.status).toBe("sync failed with some errors.");
  expect(refused.log.join("\n")).toContain(
    "Remote creation of namespace far/deep failed, remote returned: permission check failed - missing Datastore.Modify on /datastore/copy/far",
  );
  await grant(there, pusher, "DatastoreAdmin", "/datastore/copy");
  expect(await push({ ns: "lab", "remote-ns": "far" })).toMatchObject({ status: "OK" });
  expect([await arrived("far"), await arrived("far/deep"), await arrived()]).toEqual([
    named(at(0)),
    named(at(0)),
    [],
  ]);
});

it("removes what vanished where that is wanted, but nothing protected or of others", async () => {
  await grant(there, pusher, "DatastoreAdmin", "/datastore/copy");
  await here.call("POST", "/admin/datastore/vms/namespace", { name: "gone" });
  for (const day of [0, 1, 2]) await backup(at(day), `${day}`);
  await backup(at(0, "200"), "x");
  await backup(at(0), "x", { namespace: "gone" });
  await push();
  const foreign = await openBackup(there.target("copy"), at(0, "300"));
  await foreign.upload("root.pxar.didx", streamOf("theirs"));
  await foreign.finish();
  await protectBackup(there.target("copy"), at(0), true);
  for (const day of [0, 1]) {
    const key = { "backup-type": "ct", "backup-id": "100", "backup-time": at(day).time };
    await here.call("DELETE", "/admin/datastore/vms/snapshots", key);
  }
  await here.call("DELETE", "/admin/datastore/vms/groups", { "backup-type": "ct", "backup-id": "200" });
  await here.call("DELETE", "/admin/datastore/vms/namespace", { ns: "gone", "delete-groups": true });
  await push();
  expect(await arrived()).toHaveLength(5);
  expect(await push({ "remove-vanished": true })).toMatchObject({ status: "OK" });
  expect(await arrived()).toEqual(named(at(2), at(0), at(0, "300")));
  const { data } = await there.call("GET", "/admin/datastore/copy/namespace");
  expect(data).toEqual([{ ns: "" }]);
});

it("skips groups of others with a warning", async () => {
  await grant(there, pusher, "DatastoreAdmin", "/datastore/copy");
  const foreign = await openBackup(there.target("copy"), at(0));
  await foreign.upload("root.pxar.didx", streamOf("theirs"));
  await foreign.finish();
  await backup(at(1), "mine");
  const { status, log } = await push();
  expect(status).toBe("WARNINGS: 1");
  expect(log).toContain("WARN: group 'ct/100' not owned by remote user 'push@pbs!t' on target, skip");
});

it("leaves nothing there when the connection breaks, and sends it all the next time", async () => {
  await backup(at(0), "content");
  there.simulator.faults.add({ path: "/sim/backup/*/chunk/*", times: 1, drop: "before" });
  expect((await push()).status).toBe("sync failed with some errors.");
  expect(await arrived()).toEqual([]);
  expect(await push()).toMatchObject({ status: "OK" });
  expect(await arrived()).toEqual(named(at(0)));
});

it("sends no faster than the job's rate", async () => {
  await backup(at(0), "x".repeat(1 << 20));
  const begun = performance.now();
  expect(await push({ "rate-out": "2 MiB", "burst-out": "512 KiB" })).toMatchObject({ status: "OK" });
  expect(performance.now() - begun).toBeGreaterThan(240);
});

describe("rights", () => {
  const path = "/remote/offsite/copy";

  it("of the caller count on both sides, and it pushes only what it may read", async () => {
    const someone = await here.token("lab@pbs", "DatastoreBackup", "/datastore/vms");
    await expect(push({}, someone)).rejects.toThrow(
      `missing permissions 'Remote.DatastoreBackup' on '${path}'`,
    );
    await grant(here, someone, "RemoteSyncPushOperator", path);
    await expect(push({ "remove-vanished": true }, someone)).rejects.toThrow(
      `missing permissions 'Remote.DatastorePrune' on '${path}'`,
    );
    await backup(at(0), "of root");
    await backup(at(0, "200"), "mine", {}, someone);
    expect(await push({}, someone)).toMatchObject({ status: "OK" });
    expect(await arrived()).toEqual(named(at(0, "200")));
    await grant(here, someone, "DatastoreReader", "/datastore/vms");
    await push({}, someone);
    expect(await arrived()).toHaveLength(2);
  });

  it("of a job are those of whoever owns it, and who makes or runs it needs its own", async () => {
    const someone = await here.token("lab@pbs", "DatastoreAdmin", "/datastore/vms");
    const job = {
      id: "out",
      store: "vms",
      remote: "offsite",
      "remote-store": "copy",
      "sync-direction": "push",
    };
    expect(await here.call("POST", "/config/sync", job, someone)).toMatchObject({ status: 403 });
    await here.call("POST", "/config/sync", { ...job, owner: someone.token });
    expect(await here.call("POST", "/admin/sync/out/run", {}, someone)).toMatchObject({
      text: "permission check failed, 'lab@pbs!t' is missing access",
    });
    await backup(at(0), "x");
    expect((await here.task("POST", "/admin/sync/out/run")).log.join("\n")).toContain(
      `Pushing to remote not allowed - missing permissions 'Remote.DatastoreBackup' on '${path}'`,
    );
    await grant(here, someone, "RemoteSyncPushOperator", path);
    expect(await here.task("POST", "/admin/sync/out/run", {}, someone)).toMatchObject({ status: "OK" });
    expect(await arrived()).toEqual(named(at(0)));
  });
});

it("pulls at once as well, in the caller's name", async () => {
  await here.datastore("second");
  await backup(at(0), "x");
  const form = { store: "second", "remote-store": "vms" };
  expect(await here.task("POST", "/pull", form)).toMatchObject({ status: "OK" });
  expect(await listBackups(here.target("second"))).toMatchObject([{ ...at(0), owner: "root@pam!admin" }]);
  const someone = await here.token("lab@pbs", "DatastoreBackup", "/datastore/second");
  await expect(here.task("POST", "/pull", form, someone)).rejects.toThrow(
    "missing permissions 'Datastore.Backup' on '/datastore/vms'",
  );
});
