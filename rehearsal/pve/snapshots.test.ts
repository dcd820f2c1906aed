import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTestCluster, TestClient, type TestCluster, testConfig } from "./testing.ts";

const vm = "/nodes/pve1/qemu/100";
const mayTake = { id: "test@pve!take", secret: "take" };
const mayRollBack = { id: "test@pve!back", secret: "back" };

let cluster: TestCluster;
let file: string;
const take = (name: string, extra = {}) =>
  cluster.client.task("POST", `${vm}/snapshot`, { snapname: name, ...extra });
const refusal = async (method: string, path: string, parameters = {}) =>
  (await cluster.client.call(method, `${vm}${path}`, parameters)).reason;
const list = async () => {
  const rows = await cluster.client.ok<{ name: string; parent?: string }[]>("GET", `${vm}/snapshot`);
  return rows.map(({ name, parent = "" }) => `${parent}>${name}`);
};

beforeEach(async () => {
  const base = testConfig({ guests: { kind: "records", sshPort: 2222 } });
  const tokens = [
    ...base.tokens,
    { ...mayTake, acl: [{ path: "/vms", privileges: ["VM.Snapshot"], propagate: true }] },
    { ...mayRollBack, acl: [{ path: "/vms", privileges: ["VM.Snapshot.Rollback"], propagate: true }] },
  ];
  cluster = await startTestCluster({ ...base, tokens });
  await cluster.client.task("POST", "/nodes/pve1/qemu", {
    vmid: 100,
    ...{ name: "first", scsi0: "local-lvm:1", description: "a guest" },
  });
  const disk = join(cluster.folder, "guests/100/root");
  await mkdir(disk, { recursive: true });
  file = join(disk, "note");
  await writeFile(file, "one");
});
afterEach(() => cluster.close());

test("a snapshot holds disk and configuration, but not the description; a rollback brings them back", async () => {
  expect(await take("one", { description: "before the change" })).toBe("OK");
  await writeFile(file, "two");
  await cluster.client.ok("PUT", `${vm}/config`, { name: "second", description: "changed" });
  await take("two");
  expect(await list()).toEqual([">one", "one>two", "two>current"]);
  expect(await cluster.client.ok("GET", `${vm}/snapshot/one/config`)).toMatchObject({
    ...{ name: "first", description: "before the change", snaptime: expect.any(Number) },
  });
  expect(await cluster.client.task("POST", `${vm}/snapshot/one/rollback`)).toBe("OK");
  expect(await readFile(file, "utf8")).toBe("one");
  const config = await cluster.client.ok("GET", `${vm}/config`);
  expect(config).toMatchObject({ name: "first", description: "changed", parent: "one" });
  expect(config).not.toHaveProperty("lock");
  await cluster.restart();
  expect(await list()).toEqual([">one", "one>two", "one>current"]);
});

test("what came after a removed snapshot hangs on the one before it", async () => {
  for (const name of ["one", "two", "three"]) await take(name);
  expect(await cluster.client.task("DELETE", `${vm}/snapshot/two`)).toBe("OK");
  expect(await list()).toEqual([">one", "one>three", "three>current"]);
  await cluster.client.task("DELETE", `${vm}/snapshot/three`);
  await cluster.client.task("DELETE", `${vm}/snapshot/one`);
  expect(await list()).toEqual([">current"]);
  expect(await readdir(join(cluster.folder, "guests/100/snapshots"))).toEqual([]);
});

test("a name is used once and is no reserved one; what is not there is named", async () => {
  await take("one");
  expect(await refusal("POST", "/snapshot", { snapname: "one" })).toBe("snapshot name 'one' already used");
  expect(await refusal("POST", "/snapshot", { snapname: "current" })).toMatch(/reserved name/);
  expect((await cluster.client.call("POST", `${vm}/snapshot`, { snapname: "1st" })).status).toBe(400);
  expect(await refusal("POST", "/snapshot/gone/rollback")).toBe("snapshot 'gone' does not exist");
  expect(await refusal("DELETE", "/snapshot/gone")).toBe("snapshot 'gone' does not exist");
  expect(await refusal("POST", "/template")).toMatch(/contains snapshots/);
});

test("nothing is taken of a guest that something works on, or of a disk that cannot", async () => {
  await cluster.sim.store.update((state) => {
    const config = state.vms[100]?.config;
    if (config !== undefined) config.lock = "backup";
  });
  for (const [method, path] of [
    ["POST", "/snapshot"],
    ["PUT", "/config"],
  ] as const) {
    const parameters = path === "/snapshot" ? { snapname: "one" } : { name: "x" };
    expect(await refusal(method, path, parameters)).toBe("VM is locked (backup)");
  }
  await cluster.sim.store.update((state) => {
    const config = state.vms[100]?.config;
    if (config !== undefined) {
      delete config.lock;
      config.scsi0 = "local:100/vm-100-disk-0.raw,size=1G";
    }
  });
  expect(await refusal("POST", "/snapshot", { snapname: "one" })).toBe("snapshot feature is not available");
});

test("a snapshot that fails leaves neither itself nor a lock", async () => {
  await rm(join(cluster.folder, "guests/100/root"), { recursive: true });
  await writeFile(join(cluster.folder, "guests/100/root"), "no folder");
  expect(await take("one")).toMatch(/^snapshot create failed: /);
  expect(await readdir(join(cluster.folder, "guests/100/snapshots"))).toEqual([]);
  expect(await list()).toEqual([">current"]);
  expect(await cluster.client.ok("GET", `${vm}/config`)).not.toHaveProperty("lock");
});

test("taking and rolling back are rights of their own", async () => {
  await take("one");
  const [taker, other] = [new TestClient(cluster.url, mayTake), new TestClient(cluster.url, mayRollBack)];
  expect((await other.call("POST", `${vm}/snapshot`, { snapname: "two" })).reason).toBe(
    "Permission check failed (/vms/100, VM.Snapshot)",
  );
  expect(await other.task("POST", `${vm}/snapshot/one/rollback`)).toBe("OK");
  expect((await other.call("DELETE", `${vm}/snapshot/one`)).reason).toContain("VM.Snapshot");
  expect((await taker.call("GET", `${vm}/snapshot`)).reason).toContain("VM.Audit");
  expect(await taker.task("DELETE", `${vm}/snapshot/one`)).toBe("OK");
});
