import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanup } from "../guests/cleanup.ts";
import { ensureBridge, findFreeSubnet } from "../guests/network.ts";
import { waitFor } from "../lib/wait.ts";
import { type Login, openTestServer, type TestServer } from "../pbs/testing.ts";
import type { Grant } from "./access.ts";
import { importGuestImage, logOfTask, runInGuest } from "./guest-testing.ts";
import { refusalsOf, rightsInPage } from "./permission-testing.ts";
import { startTestCluster, TestClient, type TestCluster, testConfig } from "./testing.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("recovery of guests is not tested: guests need root");

const vms = "/nodes/pve1/qemu";
const storageName = "pbs-critical-daily";
const drillToken = { id: "drill@pve!drill", secret: "a-secret" };
const noBridgeToken = { id: "drill@pve!nobridge", secret: "a-secret" };
const query = (sql: string) => `runuser -u postgres -- psql -AtXqc "${sql}" postgres`;

describe.skipIf(!isRoot)("a database guest whose cluster is lost", { timeout: 180_000 }, () => {
  const instanceIds = [0, 1].map(() => randomBytes(4).toString("hex"));
  let lost: TestCluster;
  let fresh: TestCluster;
  let pbs: TestServer;
  let login: Login;
  let datastore: string;
  let escrowed: string;
  let volid: string;
  let drillRights: Grant[];

  const addStorage = (client: TestClient, id: string, extra: Record<string, string | number> = {}) =>
    client.ok<{ config?: Record<string, string> }>("POST", "/storage", {
      ...{ storage: id, type: "pbs", server: "127.0.0.1", port: pbs.port, datastore: "main" },
      ...{ username: login.token, password: login.secret, fingerprint: pbs.fingerprint },
      ...extra,
    });
  const without = (privilege: string) =>
    drillRights.map(({ privileges, ...rule }) => ({
      ...rule,
      privileges: privileges.filter((each) => each !== privilege),
    }));
  const restore = (vmid: number, extra: Record<string, string | number> = {}) =>
    fresh.client.task("POST", vms, { vmid, archive: volid, storage: "local-lvm", ...extra }, 120);
  const expectNothingLeft = async (vmid: number) => {
    expect((await fresh.client.call("GET", `${vms}/${vmid}/config`)).reason).toMatch(/does not exist/);
    expect(await readdir(join(fresh.folder, "guests")).catch(() => [])).not.toContain(String(vmid));
    expect(await readdir(join(fresh.folder, "tmp")).catch(() => [])).toEqual([]);
  };
  const chunkFiles = async () => {
    const found = await readdir(join(datastore, ".chunks"), { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const dated = await Promise.all(
      files.map(async (file) => ({ file, writtenMs: (await stat(file)).mtimeMs })),
    );
    return dated.sort((a, b) => a.writtenMs - b.writtenMs).map(({ file }) => file);
  };

  beforeAll(async () => {
    pbs = await openTestServer();
    datastore = await pbs.datastore("main");
    login = await pbs.token("nodes@pbs", "DatastoreAdmin", "/datastore/main");
    const [lostId = "", freshId = ""] = instanceIds;
    const hostAddress = await findFreeSubnet(lostId);
    const bridges = { vmbr0: await ensureBridge({ instanceId: lostId, hostAddress }) };
    lost = await startTestCluster(testConfig({ instanceId: lostId, bridges }));
    drillRights = await rightsInPage(new URL("../../docs/restore.md", import.meta.url), "drill@pve");
    const base = testConfig({ instanceId: freshId, bridges });
    const tokens = [
      ...base.tokens,
      { ...drillToken, acl: without("none") },
      { ...noBridgeToken, acl: without("SDN.Use") },
    ];
    fresh = await startTestCluster({ ...base, tokens });
    await importGuestImage(lost.client);
    const made = await addStorage(lost.client, storageName, { "encryption-key": "autogen" });
    escrowed = made.config?.["encryption-key"] ?? "";
    await lost.client.snippet("PUT", "pve1/snippets/local/x.yaml", "#cloud-config\nhostname: proj-pg01\n");
    const options = {
      ...{ vmid: 112, name: "proj-pg01", memory: 1024, cores: 1, agent: 1 },
      ...{ scsi0: "local-lvm:0,import-from=local:import/guest.raw", boot: "order=scsi0" },
      ...{ ide2: "local-lvm:cloudinit", cicustom: "user=local:snippets/x.yaml" },
      ...{ net0: "virtio,bridge=vmbr0", ipconfig0: `ip=${hostAddress.replace(/1$/, "12")}/24` },
    };
    expect(await lost.client.task("POST", vms, options)).toBe("OK");
    expect(await lost.client.task("POST", `${vms}/112/status/start`)).toBe("OK");
    await runInGuest(lost.client, 112, "pg_createcluster 15 main --start && systemctl enable postgresql");
    await runInGuest(
      lost.client,
      112,
      query("create table observed as select 'M31' as object, generate_series(1, 1000) as night"),
    );
  }, 300_000);

  afterAll(async () => {
    const clusters = [lost, fresh];
    for (const [index, instanceId] of instanceIds.entries())
      await cleanup(instanceId, clusters[index]?.folder ?? "/nonexistent");
    for (const cluster of clusters) await cluster?.close();
    await pbs?.close();
  });

  test("is not harmed by a backup server without space: the job fails, and nothing half is listed", async () => {
    const small = join(pbs.folder, "pbs/root/mnt/small");
    await mkdir(small, { recursive: true });
    await execa("mount", ["-t", "tmpfs", "-o", "size=16m", "lab-small", small]);
    try {
      await pbs.datastore("small");
      await pbs.call("PUT", "/access/acl", {
        ...{ path: "/datastore/small", role: "DatastoreAdmin", "auth-id": login.token },
      });
      await pbs.call("PUT", "/access/acl", {
        ...{ path: "/datastore/small", role: "DatastoreAdmin", "auth-id": "nodes@pbs" },
      });
      await addStorage(lost.client, "small", { datastore: "small" });
      const log = await logOfTask(
        lost.client,
        await lost.client.ok<string>("POST", "/nodes/pve1/vzdump", { vmid: 112, storage: "small" }),
      );
      expect(log).toMatch(/^ERROR: Backup of VM 112 failed - .*(ENOSPC|No space left|no space left)/m);
      expect(log).toMatch(/^INFO: Backup job finished with errors\nTASK ERROR: job errors$/m);
      expect(await lost.client.ok("GET", "/nodes/pve1/storage/small/content")).toEqual([]);
      expect(await lost.client.ok("GET", `${vms}/112/config`)).not.toHaveProperty("lock");
      expect(await runInGuest(lost.client, 112, query("select count(*) from observed"))).toBe("1000\n");
      expect(await readdir(join(lost.folder, "tmp"))).toEqual([]);
      await lost.client.ok("DELETE", "/storage/small");
    } finally {
      await execa("umount", ["--lazy", small]);
    }
  });

  test("is backed up while its database takes writes", async () => {
    // Writes that go on while the backup is made: the snapshot holds one moment, from which the database recovers.
    await runInGuest(
      lost.client,
      112,
      `(while :; do ${query("insert into observed values ('moving', 1)")} || exit; done) >/dev/null 2>&1 &`,
    );
    const log = await logOfTask(
      lost.client,
      await lost.client.ok<string>("POST", "/nodes/pve1/vzdump", { vmid: 112, storage: storageName }),
    );
    expect(log).toMatch(/TASK OK$/);
    const [backup] = await lost.client.ok<{ volid: string }[]>(
      "GET",
      `/nodes/pve1/storage/${storageName}/content`,
    );
    volid = backup?.volid ?? "";
    expect(await lost.client.task("POST", `${vms}/112/status/stop`)).toBe("OK");
    expect(await lost.client.task("DELETE", `${vms}/112`)).toBe("OK");
  });

  test("does not come back without its key, or with another", async () => {
    await addStorage(fresh.client, storageName);
    expect(await restore(112)).toMatch(/^missing key - manifest was created with key ([0-9a-f]{2}:){31}/);
    await expectNothingLeft(112);
    await fresh.client.ok("PUT", `/storage/${storageName}`, { "encryption-key": "autogen" });
    expect(await restore(112)).toMatch(/^wrong key - manifest's key \S+ does not match provided key \S+$/);
    await expectNothingLeft(112);
    await fresh.client.ok("PUT", `/storage/${storageName}`, { "encryption-key": escrowed });
  });

  const expectRefusedWithout = async (chunk: string) => {
    const content = await readFile(chunk);
    const damaged = Buffer.from(content);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    await writeFile(chunk, damaged);
    expect(await restore(112)).toMatch(/^restore failed: .*chunk.*(damaged|corrupt|checksum|digest)/);
    await expectNothingLeft(112);
    await writeFile(chunk, content);
    await rename(chunk, `${chunk}.away`);
    expect(await restore(112)).toMatch(/^restore failed: .*chunk.*(missing|not found|no such)/i);
    await expectNothingLeft(112);
    await rename(`${chunk}.away`, chunk);
  };

  test("does not come back from a damaged backup, and nothing half stays", async () => {
    const files = await chunkFiles();
    // The image is written first, what the guest wrote over it last.
    const [ofImage = "", ofLayer = ""] = [files.at(0), files.at(-1)];
    await expectRefusedWithout(ofImage);
    await expectRefusedWithout(ofLayer);
  });

  test("comes back with the key that was kept elsewhere: it boots and its database has its rows", async () => {
    const live = await fresh.client.call("POST", vms, { vmid: 112, archive: volid, "live-restore": 1 });
    expect(live.reason).toMatch(/^live-restore is not simulated/);
    expect(await restore(112)).toBe("OK");
    // What cloud-init was given lay on the lost cluster.
    expect(await fresh.client.task("POST", `${vms}/112/status/start`)).toMatch(
      /snippets\/x\.yaml.*not exist/,
    );
    await fresh.client.ok("PUT", `${vms}/112/config`, { delete: "cicustom" });
    expect(await fresh.client.task("POST", `${vms}/112/status/start`)).toBe("OK");
    const rows = query("select count(*) from observed where object = 'M31'");
    const found = await waitFor(() => runInGuest(fresh.client, 112, rows), {
      what: "the database to recover",
      timeoutSeconds: 60,
    });
    expect(found).toBe("1000\n");
  });

  test("is put in the place of a guest that is there only by force, and only while that is stopped", async () => {
    await runInGuest(fresh.client, 112, "echo later > /root/later; sync");
    await fresh.client.ok("PUT", `${vms}/112/config`, { scsi1: "local-lvm:1", description: "changed" });
    const refused = async (extra: Record<string, number>) =>
      (await fresh.client.call("POST", vms, { vmid: 112, archive: volid, ...extra })).reason;
    expect(await refused({})).toMatch(/^unable to restore VM 112 - VM 112 already exists on node 'pve1'$/);
    expect(await refused({ force: 1 })).toBe("unable to restore VM 112 - vm is running");
    expect(await fresh.client.task("POST", `${vms}/112/status/stop`)).toBe("OK");
    expect(await restore(112, { force: 1 })).toBe("OK");
    const config = await fresh.client.ok<Record<string, string>>("GET", `${vms}/112/config`);
    expect(config).not.toHaveProperty("scsi1");
    expect(config).not.toHaveProperty("description");
    await fresh.client.ok("PUT", `${vms}/112/config`, { delete: "cicustom" });
    expect(await fresh.client.task("POST", `${vms}/112/status/start`)).toBe("OK");
    expect(await runInGuest(fresh.client, 112, "test -e /root/later || echo gone")).toBe("gone\n");
  });

  test("goes back to a snapshot that was taken while it ran; a backup leaves snapshots out", async () => {
    const rows = query("select count(*) from observed where object = 'M31'");
    const count = () =>
      waitFor(() => runInGuest(fresh.client, 112, rows), { what: "the database", timeoutSeconds: 60 });
    expect(await count()).toBe("1000\n");
    const memory = await fresh.client.call("POST", `${vms}/112/snapshot`, { snapname: "ram", vmstate: 1 });
    expect(memory.reason).toMatch(/^vmstate is not simulated/);
    expect(await fresh.client.task("POST", `${vms}/112/snapshot`, { snapname: "before" })).toBe("OK");
    await runInGuest(fresh.client, 112, query("truncate observed"));
    expect(await fresh.client.task("POST", `${vms}/112/snapshot/before/rollback`, { start: 1 })).toBe("OK");
    expect(await count()).toBe("1000\n");
    const log = await logOfTask(
      fresh.client,
      await fresh.client.ok<string>("POST", "/nodes/pve1/vzdump", { vmid: 112, storage: storageName }),
    );
    expect(log).toMatch(/^INFO: snapshots found \(not included into backup\)$/m);
    expect(log).toMatch(/TASK OK$/);
  });

  test("is drilled with the rights that the documentation gives, all of which are needed", async () => {
    const guest = `${vms}/9900`;
    const drill = new TestClient(fresh.url, drillToken);
    await fresh.client.snippet("PUT", "pve1/snippets/local/x.yaml", "#cloud-config\nhostname: drill\n");
    const begun = fresh.calls.length;
    const listed = await drill.ok<{ volid: string }[]>("GET", `/nodes/pve1/storage/${storageName}/content`, {
      ...{ content: "backup", vmid: 112 },
    });
    expect(listed.map((backup) => backup.volid)).toContain(volid);
    const copy = { vmid: 9900, archive: volid, storage: "local-lvm", unique: 1 };
    expect(await drill.task("POST", vms, copy, 120)).toBe("OK");
    const { net0 } = await drill.ok<{ net0: string }>("GET", `${guest}/config`);
    await drill.ok("PUT", `${guest}/config`, { net0: `${net0},link_down=1` });
    expect(await drill.task("POST", `${guest}/status/start`)).toBe("OK");
    await waitFor(() => drill.ok("POST", `${guest}/agent/ping`).then(() => true), {
      what: "the agent of the drill's guest",
      timeoutSeconds: 60,
    });
    expect(await drill.task("POST", `${guest}/status/stop`)).toBe("OK");
    expect(await drill.task("DELETE", guest)).toBe("OK");
    const made = fresh.calls.slice(begun);
    expect(refusalsOf(fresh.sim, made, { id: drillToken.id, acl: drillRights })).toBe("");
    for (const privilege of new Set(drillRights.flatMap(({ privileges }) => privileges))) {
      const refusals = refusalsOf(fresh.sim, made, { id: drillToken.id, acl: without(privilege) });
      expect(refusals, `without ${privilege}`).toContain(privilege);
    }
    // The backup's configuration is known only once the restore has begun.
    const noBridge = new TestClient(fresh.url, noBridgeToken);
    expect(await noBridge.task("POST", vms, copy)).toBe(
      "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)",
    );
    await expectNothingLeft(9900);
  });
});
