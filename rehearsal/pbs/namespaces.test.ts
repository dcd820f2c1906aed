import { afterEach, beforeEach, expect, it } from "vitest";
import { listBackups, openBackup, protectBackup, type SnapshotId } from "./backup-client.ts";
import { type Login, openTestServer, streamOf, type TestServer } from "./testing.ts";

const path = "/admin/datastore/vms/namespace";
let server: TestServer;

beforeEach(async () => {
  server = await openTestServer();
  await server.datastore("vms");
  await server.call("POST", path, { name: "lab" });
  await server.call("POST", path, { name: "deep", parent: "lab" });
});
afterEach(() => server.close());

const at = (day: number): SnapshotId => ({ type: "ct", id: "100", time: 1_770_000_000 + day * 86_400 });
const place = (namespace: string) => server.target("vms", undefined, { namespace });

async function backup(snapshot: SnapshotId, namespace: string): Promise<void> {
  const session = await openBackup(place(namespace), snapshot);
  await session.upload("root.pxar.didx", streamOf("content"));
  await session.finish();
}

const namespaces = async (as?: Login) =>
  ((await server.call("GET", path, {}, as)).data as { ns: string }[]).map(({ ns }) => ns);
const remove = (form: Record<string, string | boolean>, as?: Login) => server.call("DELETE", path, form, as);

it("lists those that the caller may do something in", async () => {
  const reader = await server.token("deep@pbs", "DatastoreBackup", "/datastore/vms/lab/deep");
  expect(await namespaces()).toEqual(["", "lab", "lab/deep"]);
  expect(await namespaces(reader)).toEqual(["lab/deep"]);
  const stranger = await server.token("none@pbs", "RemoteAudit", "/datastore/vms");
  expect(await server.call("GET", path, {}, stranger)).toMatchObject({
    status: 403,
    text: "permission check failed",
  });
});

it("are made and removed by who may change the one above", async () => {
  const inside = await server.token("inside@pbs", "DatastoreAdmin", "/datastore/vms/lab");
  const refused = {
    status: 403,
    text: "permission check failed - missing Datastore.Modify on /datastore/vms",
  };
  expect(await remove({ ns: "lab" }, inside)).toMatchObject(refused);
  expect(await server.call("POST", path, { name: "more" }, inside)).toMatchObject(refused);
  expect((await remove({ ns: "lab/deep" }, inside)).status).toBe(200);
  expect(await namespaces()).toEqual(["", "lab"]);
  expect(await remove({ ns: "" })).toMatchObject({ status: 400, text: "cannot delete root namespace!" });
});

it("keep their backups unless those shall go too, and protected ones even then", async () => {
  await backup(at(0), "lab/deep");
  await backup(at(1), "lab/deep");
  expect(await remove({ ns: "lab" })).toMatchObject({
    status: 400,
    text: "only partially deleted due to existing groups but `delete-groups` not true",
  });
  expect(await namespaces()).toEqual(["", "lab", "lab/deep"]);
  await protectBackup(place("lab/deep"), at(0), true);
  expect(await remove({ ns: "lab", "delete-groups": true })).toMatchObject({
    status: 400,
    text: "group only partially deleted due to protected snapshots",
  });
  expect(await listBackups(place("lab/deep"))).toMatchObject([at(0)]);
  const lenient = { ns: "lab", "delete-groups": true, "error-on-protected": false };
  expect((await remove(lenient)).status).toBe(200);
  await protectBackup(place("lab/deep"), at(0), false);
  expect((await remove(lenient)).status).toBe(200);
  expect(await namespaces()).toEqual([""]);
});
