import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plantBackup, plantDaily } from "../test/edges/backups.ts";
import { configOf, openPlugin, type Plugin } from "../test/edges/plugin.ts";
import { openWorld, type World } from "../test/world.ts";

let world: World;
let plugin: Plugin;
const path = "/mnt/vms";

beforeAll(async () => {
  world = await openWorld();
  plugin = await openPlugin(configOf(world));
  await plugin.create("Datastore", (await plugin.check("Datastore", { name: "vms", path })).inputs);
  await plugin.create("Namespace", { store: "vms", ns: "lab" });
  await plantDaily(world, { path, id: "100" }, 1, 10);
  await plantBackup(world, { path, id: "100", time: "2025-12-01T02:00:00Z", protected: true });
  await plantDaily(world, { path, ns: "lab", type: "ct", id: "9" }, 5, 3);
});
afterAll(async () => {
  plugin.close();
  await world.close();
});

describe("getSnapshots", () => {
  it("lists one namespace, newest first", async () => {
    const { result } = await plugin.invoke("getSnapshots", { store: "vms" });
    const snapshots = result.snapshots as { backupTime: number }[];
    expect(snapshots).toHaveLength(11);
    expect(snapshots[0]).toMatchObject({
      ns: "",
      backupType: "vm",
      backupId: "100",
      backupTime: Date.parse("2026-01-10T02:00:00Z") / 1000,
      owner: "root@pam",
      protected: false,
      size: expect.any(Number),
      files: expect.arrayContaining([{ filename: "drive-scsi0.img.fidx", size: 10, cryptMode: "none" }]),
    });
    expect(snapshots.at(-1)).toMatchObject({ protected: true });
  });

  it("lists the namespaces below on request", async () => {
    const { result } = await plugin.invoke("getSnapshots", { store: "vms", recursive: true });
    const namespaces = (result.snapshots as { ns: string }[]).map(({ ns }) => ns);
    expect(Map.groupBy(namespaces, (ns) => ns).get("lab")).toHaveLength(3);
    expect(namespaces).toHaveLength(14);
  });

  it("can be limited to a guest", async () => {
    const { result } = await plugin.invoke("getSnapshots", {
      store: "vms",
      recursive: true,
      backupType: "ct",
      backupId: "9",
    });
    expect(result.snapshots).toHaveLength(3);
  });

  it("names a wrong argument, and a datastore that does not exist", async () => {
    expect((await plugin.invoke("getSnapshots", { store: "vms", backupType: "lxc" })).failures).toEqual([
      'a backup is of a vm, a ct or a host (got "lxc")',
    ]);
    await expect(plugin.invoke("getSnapshots", { store: "nowhere" })).rejects.toThrow(
      "Proxmox Backup Server refused GET /admin/datastore/nowhere/snapshots (HTTP 400): no such datastore 'nowhere'",
    );
  });
});

describe("getDatastoreStatus", () => {
  it("says how full it is and what it holds", async () => {
    const { result } = await plugin.invoke("getDatastoreStatus", { store: "vms" });
    expect(result).toMatchObject({
      total: expect.any(Number),
      used: expect.any(Number),
      available: expect.any(Number),
      backendType: "filesystem",
      counts: { vm: { groups: 1, snapshots: 11 } },
    });
  });
});

describe("pruneDryRun", () => {
  it("marks what would be kept and removed, removes nothing, and says what is protected", async () => {
    const { result } = await plugin.invoke("pruneDryRun", { store: "vms", maxDepth: 7, keepLast: 2 });
    expect(result).toMatchObject({ kept: 4, removed: 9, protected: 1 });
    const marks = (result.snapshots as { ns: string; mark: string }[]).map(({ ns, mark }) => `${ns}:${mark}`);
    expect(marks.slice(0, 3)).toEqual([":keep", ":keep", ":remove"]);
    expect(marks[10]).toBe(":protected");
    expect(marks.slice(11)).toEqual(["lab:keep", "lab:keep", "lab:remove"]);
    const after = await plugin.invoke("getSnapshots", { store: "vms", recursive: true });
    expect(after.result.snapshots).toHaveLength(14);
  });

  it("keeps everything without a rule", async () => {
    const { result } = await plugin.invoke("pruneDryRun", { store: "vms", ns: "lab" });
    expect(result).toMatchObject({ kept: 3, removed: 0, protected: 0 });
  });

  it("can be limited to a guest", async () => {
    const { result } = await plugin.invoke("pruneDryRun", {
      store: "vms",
      maxDepth: 1,
      backupType: "ct",
      keepDaily: 1,
    });
    expect(result).toMatchObject({ kept: 1, removed: 2, protected: 0 });
  });
});
