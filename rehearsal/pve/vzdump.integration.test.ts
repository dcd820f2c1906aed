import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanup } from "../guests/cleanup.ts";
import { ensureBridge, findFreeSubnet } from "../guests/network.ts";
import { type Login, openTestServer, type TestServer } from "../pbs/testing.ts";
import { importGuestImage, logOfTask, runInGuest } from "./guest-testing.ts";
import { startTestCluster, type TestCluster, testConfig } from "./testing.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("backups of guests are not tested: guests need root");

const instanceId = randomBytes(4).toString("hex");
const vm = "/nodes/pve1/qemu/112";
const pbsContent = "/nodes/pve1/storage/pbs/content";

interface Backup {
  volid: string;
  vmid: number;
  notes?: string;
  encrypted?: string;
  protected?: number;
}

describe.skipIf(!isRoot)("a guest that is backed up", { timeout: 180_000 }, () => {
  let pve: TestCluster;
  let pbs: TestServer;
  let login: Login;
  let volid: string;

  const storage = (id: string, extra: Record<string, string | number> = {}) =>
    pve.client.ok("POST", "/storage", {
      ...{ storage: id, type: "pbs", server: "127.0.0.1", port: pbs.port, datastore: "main" },
      ...{ username: login.token, password: login.secret, fingerprint: pbs.fingerprint },
      ...extra,
    });
  const backups = () => pve.client.ok<Backup[]>("GET", pbsContent, { content: "backup" });
  const inGuest = (id: number, script: string) => runInGuest(pve.client, id, script);
  const logOf = (upid: string) => logOfTask(pve.client, upid);
  const vzdump = (parameters: Record<string, string | number>, node = "pve1") =>
    pve.client.ok<string>("POST", `/nodes/${node}/vzdump`, { storage: "pbs", ...parameters });

  beforeAll(async () => {
    pbs = await openTestServer();
    await pbs.datastore("main");
    login = await pbs.token("nodes@pbs", "DatastoreAdmin", "/datastore/main");
    const hostAddress = await findFreeSubnet(instanceId);
    const bridge = await ensureBridge({ instanceId, hostAddress });
    pve = await startTestCluster(testConfig({ instanceId, bridges: { vmbr0: bridge } }));
    await importGuestImage(pve.client);
    await storage("pbs", { "encryption-key": "autogen" });
    await pve.client.snippet("PUT", "pve1/snippets/local/x.yaml", "#cloud-config\nhostname: proj-x01\n");
    const made = await pve.client.task("POST", "/nodes/pve1/qemu", {
      ...{
        vmid: 112,
        name: "proj-x01",
        memory: 1024,
        cores: 1,
        agent: 1,
        description: "a guest: 50 %\nof two lines",
      },
      ...{
        scsi0: "local-lvm:0,import-from=local:import/guest.raw",
        ide2: "local-lvm:cloudinit",
        boot: "order=scsi0",
      },
      ...{ net0: "virtio,bridge=vmbr0", ipconfig0: `ip=${hostAddress.replace(/1$/, "12")}/24` },
      cicustom: "user=local:snippets/x.yaml",
    });
    expect(made).toBe("OK");
    expect(await pve.client.task("POST", `${vm}/status/start`)).toBe("OK");
    await inGuest(112, "systemctl is-active basic.target");
  }, 300_000);

  afterAll(async () => {
    await cleanup(instanceId, pve?.folder ?? "/nonexistent");
    await pve?.close();
    await pbs?.close();
  });

  test("is read while it runs, encrypted, with its notes; the log is the product's", async () => {
    await inGuest(
      112,
      [
        "echo kept > /root/note; chown 1234:1234 /root/note; chmod 0640 /root/note",
        "ln /root/note /root/second; mknod /root/device c 1 3",
        "setfattr -n user.lab -v yes /root/note 2>/dev/null || true",
        "rm /etc/motd; mkdir -p /opt/gone; sync",
      ].join("; "),
    );
    const upid = await vzdump({ vmid: 112, "notes-template": "{{guestname}} ({{vmid}}) on {{node}}" });
    expect(upid).toMatch(/^UPID:pve1:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:vzdump:112:test@pve!all:$/);
    const log = await logOf(upid);
    for (const line of [
      /^INFO: starting new backup job: vzdump 112 .*--storage pbs/m,
      /^INFO: Starting Backup of VM 112 \(qemu\)$/m,
      /^INFO: status = running$/m,
      /^INFO: include disk 'scsi0' 'local-lvm:vm-112-disk-0' \d+M$/m,
      /^INFO: backup mode: snapshot$/m,
      /^INFO: creating Proxmox Backup Server archive 'vm\/112\/\d{4}-.*Z'$/m,
      /^INFO: enabling encryption$/m,
      /fs-freeze' command\nINFO: issuing guest-agent 'fs-thaw' command\nINFO: resuming VM again$/m,
      /^INFO: transferred \d/m,
      /^INFO: Finished Backup of VM 112 \(00:00:\d\d\)$/m,
      /^INFO: Backup job finished successfully\nTASK OK$/m,
    ]) {
      expect(log).toMatch(line);
    }
    const [backup] = await backups();
    const key = await pve.client.ok<Record<string, string>>("GET", "/storage/pbs");
    expect(backup).toMatchObject({
      vmid: 112,
      notes: "proj-x01 (112) on pve1",
      encrypted: key["encryption-key"],
    });
    volid = backup?.volid ?? "";
    expect(await inGuest(112, "cat /root/note")).toBe("kept\n");
    expect(await pve.client.ok("GET", `${vm}/config`)).not.toHaveProperty("lock");
  });

  test("changes little from one backup to the next", async () => {
    const log = await logOf(await vzdump({ vmid: 112, protected: 1 }));
    const reused = /reused [\d.]+ [MG]iB \((\d+)%\)/.exec(log)?.[1];
    expect(Number(reused)).toBeGreaterThan(60);
    const protectedOnes = (await backups()).filter((each) => each.protected === 1);
    expect(protectedOnes).toHaveLength(1);
    const refused = await pve.client.task(
      "DELETE",
      `${pbsContent}/${encodeURIComponent(protectedOnes[0]?.volid ?? "")}`,
    );
    expect(refused).toMatch(/protected/);
  });

  test("boots again from its backup after it was destroyed, with its data", async () => {
    expect(await pve.client.task("POST", `${vm}/status/stop`)).toBe("OK");
    const before = await pve.client.ok<Record<string, string>>("GET", `${vm}/config`);
    expect(await pve.client.task("DELETE", vm, { purge: 1 })).toBe("OK");
    const restored = await pve.client.task(
      "POST",
      "/nodes/pve1/qemu",
      { vmid: 113, archive: volid, unique: 1, start: 1, storage: "local-lvm" },
      120,
    );
    expect(restored).toBe("OK");
    const after = await pve.client.ok<Record<string, string>>("GET", "/nodes/pve1/qemu/113/config");
    expect(after).toMatchObject({
      name: "proj-x01",
      description: "a guest: 50 %\nof two lines",
      memory: 1024,
    });
    expect(after.scsi0).toMatch(/^local-lvm:vm-113-disk-0,/);
    expect(after.net0).not.toBe(before.net0);
    expect(
      await inGuest(113, "cat /root/note; stat -c '%u %g %a %h' /root/note; stat -c %F /root/device"),
    ).toBe("kept\n1234 1234 640 2\ncharacter special file\n");
    expect(await inGuest(113, "test ! -e /etc/motd && test -d /opt/gone && echo right")).toBe("right\n");
  });

  test("is copied: a linked clone of a template, a full one of a guest", async () => {
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/113/status/stop")).toBe("OK");
    expect(
      (await pve.client.call("POST", "/nodes/pve1/qemu/113/clone", { newid: 114, full: 0 })).reason,
    ).toMatch(/no template/);
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/113/clone", { newid: 114, name: "copy" })).toBe(
      "OK",
    );
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/114/template")).toBe("OK");
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/114/status/start")).toMatch(/template/);
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/114/clone", { newid: 115 })).toBe("OK");
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/115/status/start")).toBe("OK");
    expect(await inGuest(115, "cat /root/note")).toBe("kept\n");
    expect(await pve.client.task("POST", "/nodes/pve1/qemu/115/status/stop")).toBe("OK");
  });

  test("is not restored with another key, or from a damaged backup, and nothing stays behind", async () => {
    await storage("other", { "encryption-key": "autogen" });
    const wrong = await pve.client.task("POST", "/nodes/pve1/qemu", {
      vmid: 120,
      archive: volid.replace(/^pbs:/, "other:"),
    });
    expect(wrong).toMatch(/wrong key - manifest's key/);
    expect((await pve.client.call("GET", "/nodes/pve1/qemu/120/config")).reason).toMatch(/does not exist/);
  });

  test("fails with the product's words where the server is gone, and is backed up by nobody else", async () => {
    expect(await vzdump({ vmid: 115 }, "pve2")).toBe("OK");
    const count = (await backups()).length;
    await storage("gone", { port: 1 });
    const log = await logOf(await vzdump({ vmid: "115,999", storage: "gone" }));
    expect(log).toMatch(
      /^ERROR: Backup of VM 115 failed - VM 115 qmp command 'backup' failed - backup connect failed: /m,
    );
    expect(log).toMatch(/^ERROR: Backup of VM 999 failed - unable to find VM '999'$/m);
    expect(log).toMatch(/^INFO: Backup job finished with errors\nTASK ERROR: job errors$/m);
    expect(await backups()).toHaveLength(count);
    expect(await pve.client.ok("GET", "/nodes/pve1/qemu/115/config")).not.toHaveProperty("lock");
    expect(await readdir(join(pve.folder, "tmp"))).toEqual([]);
    expect(await pve.client.ok("GET", "/nodes/pve1/storage/gone/status")).toMatchObject({ active: 0 });
  });

  test("is pruned by rules, after a look at what they would remove", async () => {
    const prune = "/nodes/pve1/storage/pbs/prunebackups";
    const marks = await pve.client.ok<{ mark: string; volid: string }[]>("GET", prune, {
      "prune-backups": "keep-last=1",
    });
    expect(marks.map(({ mark }) => mark).sort()).toEqual(["keep", "protected"]);
    await logOf(await vzdump({ vmid: 115, mode: "stop" }));
    await logOf(await vzdump({ vmid: 115, "prune-backups": "keep-last=1" }));
    expect((await backups()).filter((each) => each.vmid === 115)).toHaveLength(1);
    expect(await pve.client.task("DELETE", prune, { "prune-backups": "keep-last=1" })).toBe("OK");
    expect((await backups()).map((each) => each.volid)).toContain(volid);
  });
});
