import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listBackups, openBackup, protectBackup, readBackup, type SnapshotId } from "./backup-client.ts";
import { openTestServer, streamOf, type TestServer } from "./testing.ts";

let server: TestServer;
let root: string;
let now: Date;
const start = new Date("2026-03-02T12:00:00Z");

beforeEach(async () => {
  now = new Date();
  server = await openTestServer({ now: () => now, scheduleSeconds: 0 });
  root = await server.datastore("vms");
});
afterEach(() => server.close());

const at = (day: number, id = "100"): SnapshotId => ({
  type: "ct",
  id,
  time: Date.UTC(2026, 1, 1 + day, 2) / 1000,
});

async function backup(snapshot: SnapshotId, content: string, ns = ""): Promise<void> {
  const session = await openBackup(server.target("vms", undefined, ns ? { namespace: ns } : {}), snapshot);
  await session.upload("root.pxar.didx", streamOf(content));
  await session.finish();
}

async function chunkFiles(): Promise<string[]> {
  const entries = await readdir(join(root, ".chunks"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function chunkOf(content: string): Promise<string> {
  for (const path of await chunkFiles()) if ((await readFile(path, "utf8")) === content) return path;
  throw new Error(`no chunk holds ${content}`);
}

async function age(path: string, hours: number): Promise<void> {
  const then = new Date(now.getTime() - hours * 3_600_000);
  await utimes(path, then, then);
}

const times = async () => (await listBackups(server.target("vms"))).map(({ time }) => time);

describe("pruning", () => {
  beforeEach(async () => {
    for (const day of [0, 1, 2]) await backup(at(day), `day ${day}`);
  });
  const group = { "backup-type": "ct", "backup-id": "100" };

  it("of a group shows what would happen, and does it", async () => {
    await protectBackup(server.target("vms"), at(0), true);
    const path = "/admin/datastore/vms/prune";
    const { data } = await server.call("POST", path, { ...group, "keep-last": 1, "dry-run": true });
    const marks = [
      { ...group, "backup-time": at(2).time, keep: true, protected: false },
      { ...group, "backup-time": at(1).time, keep: false, protected: false },
      { ...group, "backup-time": at(0).time, keep: true, protected: true },
    ];
    expect(data).toEqual(marks);
    expect(await times()).toHaveLength(3);
    expect((await server.call("POST", path, { ...group, "keep-last": 1 })).data).toEqual(marks);
    expect(await times()).toEqual([at(2).time, at(0).time]);
  });

  it("of a datastore is a task whose log names every backup", async () => {
    const path = "/admin/datastore/vms/prune-datastore";
    const { log } = await server.task("POST", path, { "keep-last": 2, "dry-run": true });
    expect(log).toEqual(
      expect.arrayContaining([
        "retention options: --keep-last 2",
        'Pruning group :"ct/100"',
        "would keep ct/100/2026-02-03T02:00:00Z",
        "would remove ct/100/2026-02-01T02:00:00Z",
        "TASK OK",
      ]),
    );
    expect(await times()).toHaveLength(3);
    await server.task("POST", path, { "keep-last": 2 });
    expect(await times()).toEqual([at(2).time, at(1).time]);
  });
});

describe("verification", () => {
  beforeEach(async () => {
    await backup(at(0), "good");
    await backup(at(1), "bad");
  });

  it("records what it found, and sets a damaged chunk aside", async () => {
    const path = await chunkOf("bad");
    await writeFile(path, "changed");
    const { status, log } = await server.task("POST", "/admin/datastore/vms/verify");
    expect(status).toBe("verification failed - please check the log for details");
    expect(log.join("\n")).toMatch(
      /verify vms:ct\/100\/2026-02-02T02:00:00Z\/root.pxar.didx failed: chunks could not be verified/,
    );
    expect(await listBackups(server.target("vms"))).toMatchObject([
      { verification: { state: "failed" } },
      { verification: { state: "ok", upid: expect.stringMatching(/^UPID:/) } },
    ]);
    expect(await readFile(`${path}.0.bad`, "utf8")).toBe("changed");
    await expect(async () => {
      for await (const _ of await readBackup(server.target("vms"), at(1), "root.pxar.didx"));
    }).rejects.toThrow(/is missing/);

    await backup(at(2), "bad");
    expect(await readFile(path, "utf8")).toBe("bad");
    expect(
      (await server.task("POST", "/admin/datastore/vms/verify", { "ignore-verified": false })).status,
    ).toBe("OK");
  });

  it("leaves out what it knows, until that is outdated", async () => {
    const skipped = async (form: Record<string, string | number | boolean>) =>
      (await server.task("POST", "/admin/datastore/vms/verify", form)).log.filter((line) =>
        line.startsWith("SKIPPED"),
      );
    expect(await skipped({})).toHaveLength(0);
    expect(await skipped({})).toHaveLength(2);
    expect(await skipped({ "outdated-after": 3 })).toHaveLength(2);
    now = new Date(now.getTime() + 5 * 86_400_000);
    expect(await skipped({ "outdated-after": 3 })).toHaveLength(0);
  });

  it("of one backup reads it whatever is known", async () => {
    const one = { "backup-type": "ct", "backup-id": "100", "backup-time": at(0).time };
    for (let round = 0; round < 2; round++) {
      const { log } = await server.task("POST", "/admin/datastore/vms/verify", one);
      expect(log.filter((line) => line.startsWith("verify vms:"))).toEqual([
        "verify vms:ct/100/2026-02-01T02:00:00Z",
      ]);
    }
  });

  it("fails for a broken manifest", async () => {
    await writeFile(join(root, "ct/100/2026-02-01T02:00:00Z/index.json.blob"), "{");
    expect((await server.task("POST", "/admin/datastore/vms/verify")).log).toContain(
      "\tct/100/2026-02-01T02:00:00Z",
    );
  });
});

describe("garbage collection", () => {
  const collect = () => server.task("POST", "/admin/datastore/vms/gc");

  it("removes what no backup uses once nobody has touched it for long", async () => {
    await backup(at(0), "old");
    await backup(at(1), "used");
    const [old, used] = [await chunkOf("old"), await chunkOf("used")];
    await server.call("DELETE", "/admin/datastore/vms/snapshots", {
      "backup-type": "ct",
      "backup-id": "100",
      "backup-time": at(0).time,
    });
    await age(old, 24);
    await age(used, 48);
    await collect();
    expect((await server.call("GET", "/admin/datastore/vms/gc")).data).toMatchObject({
      "pending-bytes": 3,
      "pending-chunks": 1,
      "disk-bytes": 4,
      "index-data-bytes": 4,
      "index-file-count": 1,
      "removed-bytes": 0,
      "last-run-state": "OK",
    });
    await age(old, 25);
    const { log } = await collect();
    expect(log).toEqual(
      expect.arrayContaining(["Removed garbage: 3 B", "Removed chunks: 1", "On-Disk chunks: 1"]),
    );
    expect(await chunkFiles()).toEqual([used]);
    expect(now.getTime() - (await stat(used)).atimeMs).toBeLessThan(60_000);
  });

  it("has a cutoff that the datastore's tuning sets", async () => {
    await backup(at(0), "old");
    await server.call("DELETE", "/admin/datastore/vms/groups", { "backup-type": "ct", "backup-id": "100" });
    await age(await chunkOf("old"), 1);
    await collect();
    expect(await chunkFiles()).toHaveLength(1);
    await server.call("PUT", "/config/datastore/vms", { tuning: "gc-atime-cutoff=30" });
    await collect();
    expect(await chunkFiles()).toHaveLength(0);
  });

  it("keeps what a running backup may name, however old", async () => {
    await server.call("PUT", "/config/datastore/vms", { tuning: "gc-atime-cutoff=1" });
    const session = await openBackup(server.target("vms"), at(0));
    await session.upload("root.pxar.didx", streamOf("running"));
    now = new Date(now.getTime() + 3_600_000);
    await collect();
    await session.finish();
    for await (const _ of await readBackup(server.target("vms"), at(0), "root.pxar.didx"));
  });

  it("warns of a missing chunk, and keeps its damaged remains while an index needs it", async () => {
    await backup(at(0), "bad");
    const path = await chunkOf("bad");
    await writeFile(path, "evil");
    await server.task("POST", "/admin/datastore/vms/verify");
    await age(`${path}.0.bad`, 48);
    expect(await collect()).toMatchObject({ status: "WARNINGS: 1" });
    expect((await server.call("GET", "/admin/gc")).data).toMatchObject([{ store: "vms", "still-bad": 1 }]);
    await backup(at(1), "bad");
    await age(`${path}.0.bad`, 48);
    await collect();
    expect(await chunkFiles()).toEqual([path]);
  });
});

describe("schedules", () => {
  it("start jobs when they are due, and say when that is", async () => {
    for (const day of [0, 1, 2]) await backup(at(day), "x");
    now = start;
    await server.call("POST", "/config/prune", {
      id: "nightly",
      store: "vms",
      schedule: "02:30",
      "keep-last": 1,
    });
    await server.call("PUT", "/config/datastore/vms", { "gc-schedule": "daily" });
    await server.call("POST", "/config/prune", {
      id: "off",
      store: "vms",
      schedule: "02:30",
      "keep-last": 2,
      disable: true,
    });
    const next = Date.parse("2026-03-03T02:30:00Z") / 1000;
    const state = async () => ((await server.call("GET", "/admin/prune")).data as { id: string }[])[0];
    await server.simulator.runDue();
    expect(await state()).toMatchObject({ id: "nightly", "next-run": next });

    now = new Date("2026-03-03T02:29:59Z");
    await server.simulator.runDue();
    await server.simulator.tasks.idle();
    expect(await times()).toHaveLength(3);
    now = new Date("2026-03-03T02:30:00Z");
    await server.simulator.runDue();
    await server.simulator.runDue();
    await server.simulator.tasks.idle();
    expect(await times()).toEqual([at(2).time]);
    expect(await state()).toMatchObject({ "last-run-state": "OK", "next-run": next + 86_400 });
    const started = server.simulator.tasks.list().map((task) => task.worker_type);
    expect(started.filter((type) => type === "prunejob")).toHaveLength(1);
    expect(started.filter((type) => type === "garbage_collection")).toHaveLength(1);
  });

  it("are remembered over a restart", async () => {
    now = start;
    await server.call("POST", "/config/verify", { id: "weekly", store: "vms", schedule: "02:30" });
    await server.simulator.runDue();
    server = await server.restart();
    now = new Date("2026-03-04T00:00:00Z");
    await server.simulator.runDue();
    await server.simulator.tasks.idle();
    expect((await server.call("GET", "/admin/verify")).data).toMatchObject([{ "last-run-state": "OK" }]);
  });
});
