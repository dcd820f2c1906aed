import { chmod, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { openBackup } from "../../rehearsal/pbs/backup-client.ts";
import { streamOf } from "../../rehearsal/pbs/testing.ts";
import { openWorld, type RunResult, type World } from "./world.ts";

const minuteMs = 60_000;
const guests = { "2002": "proj-pg01" };
const ours = { datastore: "main", guest: "proj-pg01", namespace: "critical" };
const oldBackup = 1_770_000_000;
let world: World;

beforeAll(async () => {
  world = await openWorld();
  const { pve, pbs } = world;
  await pve.client.task("POST", "/nodes/pve1/qemu", { vmid: 2002, name: "pg01-old-name" });
  await pve.client.task("POST", "/nodes/pve1/qemu", { vmid: 2003, name: "spare" });
  const nodes = await pbs.token("nodes@pbs", "DatastoreAdmin", "/datastore/main");
  for (const [storage, more] of [
    ["pbs", { "encryption-key": "autogen" }],
    ["broken", { namespace: "nowhere" }],
  ] as const) {
    await pve.client.ok("POST", "/storage", {
      ...{ storage, type: "pbs", server: "127.0.0.1", port: pbs.port, datastore: "main" },
      ...{ username: nodes.token, password: nodes.secret, fingerprint: pbs.fingerprint },
      ...more,
    });
  }
  const job = { id: "daily", schedule: "02:00", storage: "pbs", vmid: "2002" };
  await pve.client.ok("POST", "/cluster/backup", job);
  await pve.client.task("POST", "/nodes/pve1/vzdump", { vmid: "2002", storage: "pbs" });
  await pve.client.task("POST", "/nodes/pve1/vzdump", { vmid: "2003", storage: "broken" });
  await pbs.call("POST", "/admin/datastore/main/namespace", { name: "critical" });
  const session = await openBackup(
    { ...pbs.target("main"), namespace: "critical" },
    { type: "vm", id: "2002", time: oldBackup },
  );
  await session.upload("drive-scsi0.img.fidx", streamOf("content"));
  await session.finish();
  const prune = { id: "prune-daily", store: "main", schedule: "04:00", "keep-last": 3 };
  await pbs.call("POST", "/config/prune", prune);
  await pbs.call("POST", "/config/verify", { id: "verify-main", store: "main" });
  await pbs.call("PUT", "/config/datastore/main", { "gc-schedule": "05:30" });
  await pbs.task("POST", "/admin/prune/prune-daily/run");
  await pbs.task("POST", "/admin/verify/verify-main/run");
  await pbs.task("POST", "/admin/datastore/main/gc");
}, 120_000);
afterAll(() => world.close());
beforeEach(() => world.pbs.simulator.faults.clear());

describe("with tokens that may only look", () => {
  let result: RunResult;
  beforeAll(async () => {
    result = await world.run({ guests });
  });

  test("every part is read, by calls that the products have", () => {
    expect(result.log).toBe("");
    expect(result.code).toBe(0);
    expect(result.text).not.toMatch(/part_success\{.*\} 0/);
    expect(world.problems()).toEqual([]);
  });

  test("guests are called as the site calls them, others as the cluster does", () => {
    expect(result.value("lab_pve_guest_running", { guest: "proj-pg01" })).toBe(0);
    expect(result.value("lab_pve_guest_in_backup_job", { guest: "proj-pg01" })).toBe(1);
    expect(result.value("lab_pve_guest_in_backup_job", { guest: "spare" })).toBe(0);
  });

  test("a failed backup is told apart from one that was made", () => {
    expect(result.value("lab_pve_backup_last_ok", { guest: "proj-pg01" })).toBe(1);
    expect(
      result.value("lab_pve_backup_last_success_timestamp_seconds", { guest: "proj-pg01" }),
    ).toBeTruthy();
    expect(result.value("lab_pve_backup_last_ok", { guest: "spare" })).toBe(0);
    expect(result.value("lab_pve_backup_last_success_timestamp_seconds", { guest: "spare" })).toBeUndefined();
    expect(result.value("lab_pve_storage_active", { storage: "broken" })).toBe(0);
  });

  test("backups are found in every namespace, with their verification", () => {
    expect(result.value("lab_pbs_snapshot_newest_timestamp_seconds", ours)).toBe(oldBackup);
    expect(result.value("lab_pbs_snapshot_newest_verification", { ...ours, state: "ok" })).toBe(1);
    expect(result.value("lab_pbs_snapshot_newest_encrypted", ours)).toBe(0);
    expect(result.value("lab_pbs_snapshot_newest_encrypted", { ...ours, namespace: "" })).toBe(1);
  });

  test("jobs tell whether they are scheduled and how they ended", () => {
    expect(result.value("lab_pbs_job_scheduled", { type: "prune", job_id: "prune-daily" })).toBe(1);
    expect(result.value("lab_pbs_job_scheduled", { type: "verify", job_id: "verify-main" })).toBe(0);
    expect(result.value("lab_pbs_job_last_ok", { job_id: "verify-main" })).toBe(1);
    expect(result.value("lab_pbs_gc_last_ok", { datastore: "main" })).toBe(1);
    expect(result.value("lab_pbs_gc_next_run_timestamp_seconds", { datastore: "main" })).toBeTruthy();
  });
});

describe("what goes wrong", () => {
  const pbsWith = (changes: object) => ({ guests, pbs: { ...world.config.pbs, ...changes } });
  const pveWith = (changes: object) => ({ guests, pve: { ...world.config.pve, ...changes } });

  const isBlindTo = (result: RunResult, product: "pve" | "pbs") => {
    expect(result.value(`lab_${product}_up`)).toBe(0);
    expect(result.text).not.toMatch(new RegExp(`^lab_${product}_part_success.* 1$`, "m"));
    const others = result.families.filter(({ name }) => name.startsWith(`lab_${product}_`));
    expect(others.map(({ name }) => name)).toEqual([`lab_${product}_up`, `lab_${product}_part_success`]);
  };

  test("a server that does not answer hides nothing of the other", async () => {
    const blind = await world.run(pbsWith({ endpoints: ["https://127.0.0.1:1"] }));
    expect(blind.code).toBe(8);
    isBlindTo(blind, "pbs");
    expect(blind.value("lab_pve_guest_running", { guest: "proj-pg01" })).toBe(0);
    expect(blind.value("lab_proxwatch_last_run_timestamp_seconds")).toBeTruthy();
    const other = await world.run(pveWith({ endpoints: ["https://127.0.0.1:1"] }));
    expect(other.code).toBe(8);
    isBlindTo(other, "pve");
    expect(other.value("lab_pbs_snapshots", ours)).toBe(1);
  });

  test("no server at all has an exit code of its own, and a file that says so", async () => {
    const nowhere = { endpoints: ["https://127.0.0.1:1"] };
    const result = await world.run({ ...pveWith(nowhere), ...pbsWith(nowhere) });
    expect(result.code).toBe(5);
    isBlindTo(result, "pve");
    isBlindTo(result, "pbs");
  });

  test("another node is asked where the first does not answer", async () => {
    const result = await world.run(
      pveWith({ endpoints: ["https://127.0.0.1:1", ...world.config.pve.endpoints] }),
    );
    expect(result.code).toBe(0);
    expect(result.value("lab_pve_up")).toBe(1);
  });

  test("a server with another certificate is not asked", async () => {
    const result = await world.run(pbsWith({ fingerprint: Array(32).fill("aa").join(":") }));
    isBlindTo(result, "pbs");
    expect(result.log).toContain("another server, or a renewed certificate");
    const unknown = await world.run(pveWith({ caFile: undefined }));
    isBlindTo(unknown, "pve");
    expect(unknown.log).toMatch(/cannot connect: .*(certificate|self-signed)/);
  });

  test("a token that has expired leaves the server unseen, with the reason in the log", async () => {
    const { client } = world.pve;
    const path = "/access/users/watch@pve/token/proxwatch";
    await client.ok("PUT", path, { expire: 1 });
    const result = await world.run({ guests });
    await client.ok("PUT", path, { expire: 0 });
    isBlindTo(result, "pve");
    expect(result.log).toContain("refused with 401");
    expect(result.value("lab_pbs_up")).toBe(1);
  });

  test("a token without its role is no cluster without guests", async () => {
    const { client } = world.pve;
    const acl = { path: "/", roles: "PVEAuditor", tokens: "watch@pve!proxwatch" };
    await client.ok("PUT", "/access/acl", { ...acl, delete: 1 });
    const result = await world.run({ guests });
    await client.ok("PUT", "/access/acl", acl);
    expect(result.code).toBe(8);
    expect(result.value("lab_pve_up")).toBe(1);
    expect(result.value("lab_pve_part_success", { part: "resources" })).toBe(0);
    expect(result.log).toContain("PVEAuditor");
  });

  test.each([
    ["half an answer", { drop: "half" }],
    ["a refusal", { status: 500, message: "too busy" }],
  ] as const)("%s takes that part alone, and not what was read of it before", async (_, fault) => {
    await world.run({ guests, slowIntervalSeconds: 300 });
    // More than once: the cluster lists its backups as well.
    world.pbs.simulator.faults.add({ path: "/admin/datastore/main/snapshots", times: 100, ...fault });
    const result = await world.run({ guests, slowIntervalSeconds: 300 }, Date.now() + 6 * minuteMs);
    expect(result.code).toBe(8);
    expect(result.value("lab_pbs_up")).toBe(1);
    expect(result.value("lab_pbs_part_success", { part: "snapshots" })).toBe(0);
    expect(result.value("lab_pbs_part_success", { part: "gc" })).toBe(1);
    expect(result.value("lab_pbs_snapshots")).toBeUndefined();
    expect(result.log).toContain("pbs snapshots: GET /admin/datastore/main/snapshots");
  });

  test("a server that never answers is given up after the time that is set", async () => {
    world.pbs.simulator.faults.add({ path: "/version", times: 1, delayMs: 60_000 });
    const result = await world.run({ guests, timeoutSeconds: 1 });
    isBlindTo(result, "pbs");
    expect(result.log).toContain("no answer within 1 s");
  });

  test("a token's file that others can read is refused", async () => {
    const path = world.config.pbs.tokenFile;
    await chmod(path, 0o644);
    const result = await world.run({ guests });
    await chmod(path, 0o600);
    expect(result.code).toBe(3);
    isBlindTo(result, "pbs");
    expect(result.value("lab_pve_up")).toBe(1);
  });

  test("a damaged memory is begun anew", async () => {
    await writeFile(world.config.stateFile ?? "", "{");
    const result = await world.run({ guests });
    expect(result.code).toBe(0);
    expect(result.log).toContain("begun anew");
    expect(result.value("lab_pve_backup_last_ok", { guest: "proj-pg01" })).toBe(1);
  });
});

test("what is work for the servers is read only now and then", async () => {
  const listed = () => world.pve.calls.filter(({ path }) => path.endsWith("/log")).length;
  await world.run({ guests });
  const start = Date.now();
  const settings = { guests, slowIntervalSeconds: 300 };
  await world.run(settings, start);
  const before = listed();
  world.pbs.simulator.faults.add({ path: "/admin/datastore/main/snapshots", times: 100, status: 500 });
  const soon = await world.run(settings, start + 4 * minuteMs);
  expect(soon.code).toBe(0);
  expect(soon.value("lab_pbs_snapshots", ours)).toBe(1);
  expect((await world.run(settings, start + 4 * minuteMs, "--fresh")).code).toBe(8);
  // What failed is not good for another five minutes.
  expect((await world.run(settings, start + 4 * minuteMs)).code).toBe(8);
  world.pbs.simulator.faults.clear();
  expect((await world.run(settings, start + 4 * minuteMs)).code).toBe(0);
  expect(listed()).toBe(before);
});

test("a lock is dated from when it was first seen until it is gone", async () => {
  const name = "lab_pve_guest_lock_first_seen_timestamp_seconds";
  const lock = (to: string | undefined) =>
    world.pve.sim.store.update((state) => {
      const config = state.vms[2002]?.config ?? {};
      if (to === undefined) delete config.lock;
      else config.lock = to;
    });
  const start = Date.now();
  await lock("backup");
  const first = await world.run({ guests }, start);
  const later = await world.run({ guests }, start + 60 * minuteMs);
  await lock(undefined);
  const free = await world.run({ guests }, start + 61 * minuteMs);
  const seconds = Math.floor(start / 1000);
  expect([first, later, free].map((run) => run.value(name, { guest: "proj-pg01", lock: "backup" }))).toEqual([
    seconds,
    seconds,
    undefined,
  ]);
});

test("maintenance of a datastore and a node that is off are seen", async () => {
  const { pve, pbs } = world;
  await pbs.call("PUT", "/config/datastore/main", { "maintenance-mode": "type=offline" });
  await pve.sim.store.update((state) => state.offlineNodes.push("pve2"));
  const result = await world.run({ guests });
  await pbs.call("PUT", "/config/datastore/main", { delete: "maintenance-mode" });
  await pve.sim.store.update((state) => {
    state.offlineNodes = [];
  });
  expect(result.value("lab_pbs_datastore_maintenance", { datastore: "main", mode: "offline" })).toBe(1);
  expect(result.value("lab_pbs_datastore_up", { datastore: "main" })).toBe(0);
  expect(result.value("lab_pbs_part_success", { part: "snapshots" })).toBe(0);
  expect(result.value("lab_pve_node_online", { node: "pve2" })).toBe(0);
  expect(result.value("lab_pve_cluster_quorate")).toBe(0);
  expect(result.value("lab_pve_part_success", { part: "tasks" })).toBe(1);
});

test("whatever is written is in the catalogue that rules are checked by, with these labels", async () => {
  const { families, value } = await world.run({ guests, keyEscrow: { "pbs-critical": 1_795_255_200 } });
  expect(value("lab_key_escrow_checked_timestamp_seconds", { storage: "pbs-critical" })).toBe(1_795_255_200);
  const catalogue = z.object({ metrics: z.record(z.string(), z.object({ labels: z.array(z.string()) })) });
  const file = new URL("../../alert-rules/metrics/proxmox.json", import.meta.url);
  const { metrics } = catalogue.parse(JSON.parse(await readFile(file, "utf8")));
  expect(families.length).toBeGreaterThan(50);
  for (const { name, samples } of families)
    for (const { labels } of samples)
      expect(Object.keys(labels).toSorted(), name).toEqual(metrics[name]?.labels.toSorted());
});

test("tokens are in nothing that it writes", async () => {
  const result = await world.run({ guests, ...{ pbs: { ...world.config.pbs, tokenId: "watch@pbs!wrong" } } });
  expect(result.code).toBe(8);
  const state = await readFile(world.config.stateFile ?? "", "utf8");
  for (const secret of world.secrets)
    for (const text of [result.log, result.text, state]) expect(text).not.toContain(secret);
});
