import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adminToken, startTestCluster, TestClient, type TestCluster, testConfig } from "./testing.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(async () => {
  await cluster.close();
});

describe("access", () => {
  test("without a token, with a wrong one, with an unknown one: 401", async () => {
    const { url } = cluster;
    const call = (token?: { id: string; secret: string }) => {
      const client = new TestClient(url, token);
      return client.call("GET", "/version");
    };
    const bare = await fetch(`${url}/api2/json/version`);
    expect([bare.status, bare.statusText]).toEqual([401, "No ticket"]);
    expect((await call({ id: "test@pve!all", secret: "wrong" })).reason).toBe("invalid token value!");
    expect((await call({ id: "no@pve!body", secret: "x" })).status).toBe(401);
    expect((await call()).status).toBe(200);
  });

  test("a missing privilege is named with its path", async () => {
    const auditor = new TestClient(cluster.url, { id: "test@pve!audit", secret: "look" });
    const answer = await auditor.call("POST", "/nodes/pve1/qemu", { vmid: 100 });
    expect(answer.status).toBe(403);
    expect(answer.body.message).toBe("Permission check failed (/vms/100, VM.Allocate)\n");
    expect((await auditor.call("GET", "/cluster/backup")).status).toBe(200);
  });
});

describe("requests", () => {
  test("an unknown path is not implemented, with method and path", async () => {
    const answer = await cluster.client.call("GET", "/nodes/pve1/nothing");
    expect([answer.status, answer.reason]).toEqual([501, "Method 'GET /nodes/pve1/nothing' not implemented"]);
    expect(answer.body.data).toBeNull();
  });

  test("unknown, missing and wrong parameters are told together", async () => {
    const answer = await cluster.client.call("POST", "/nodes/pve1/qemu", { cores: "many", colour: "red" });
    expect([answer.status, answer.reason]).toEqual([400, "Parameter verification failed."]);
    expect(answer.body.errors).toEqual({
      colour: "property is not defined in schema and the schema does not allow additional properties",
      cores: "type check ('integer') failed - got 'many'",
      vmid: "property is missing and it is not optional",
    });
  });

  test.each<[Record<string, string>, string, string]>([
    [
      { scsi0: "local-lvm:8,cache=fast" },
      "scsi0",
      "invalid format - cache: value 'fast' does not have a value in the enumeration 'none, writethrough, writeback, unsafe, directsync'",
    ],
    [
      { scsi0: "local-lvm:8,ssd=maybe" },
      "scsi0",
      "invalid format - ssd: type check ('boolean') failed - got 'maybe'",
    ],
    [
      { virtio0: "local-lvm:8,ssd=1" },
      "virtio0",
      "invalid format - ssd: property is not defined in schema and the schema does not allow additional properties",
    ],
    [{ scsi0: "size=8G" }, "scsi0", "invalid format - file: property is missing and it is not optional"],
    [
      { net0: "virtio,bridge=vmbr0,tag=4095" },
      "net0",
      "invalid format - tag: value must have a maximum value of 4094",
    ],
    [
      { net0: "virtio=01:00:5E:00:00:01,bridge=vmbr0" },
      "net0",
      "invalid format - virtio: value does not look like a valid unicast MAC address",
    ],
    [
      { ipconfig0: "ip=10.0.0.300/24" },
      "ipconfig0",
      "invalid format - ip: invalid format - value does not look like a valid ipv4 network configuration",
    ],
    [
      { nameserver: "10.0.0.1 10.0.0.2/24" },
      "nameserver",
      "invalid format - value does not look like a valid address: 10.0.0.2/24",
    ],
    [{ pool: "a b" }, "pool", "invalid format - pool name 'a b' contains invalid characters"],
  ])("a value that is not of its format is refused: %o", async (wrong, name, reason) => {
    const answer = await cluster.client.call("POST", "/nodes/pve1/qemu", { vmid: 100, ...wrong });
    expect([answer.status, answer.body.errors]).toEqual([400, { [name]: reason }]);
  });

  test("an unknown node is refused", async () => {
    const answer = await cluster.client.call("GET", "/nodes/pve9/qemu");
    expect([answer.status, answer.reason]).toEqual([500, "no such cluster node 'pve9'"]);
  });

  test("JSON and form bodies mean the same", async () => {
    const create = "/nodes/pve1/qemu";
    await cluster.client.call("POST", create, {}, { vmid: 100, onboot: true, cores: 2, name: "a" });
    await cluster.client.task("POST", create, { vmid: 101, onboot: 1, cores: "2", name: "a" });
    const config = async (vmid: number) => {
      const { digest, meta, vmgenid, smbios1, ...rest } = await cluster.client.ok<Record<string, unknown>>(
        "GET",
        `/nodes/pve1/qemu/${vmid}/config`,
      );
      return rest;
    };
    expect(await config(100)).toEqual({ onboot: 1, cores: 2, name: "a" });
    expect(await config(101)).toEqual(await config(100));
  });
});

describe("virtual machines", () => {
  const create = (parameters: Record<string, string | number> = {}) =>
    cluster.client.task("POST", "/nodes/pve1/qemu", { vmid: 2002, name: "proj-pg01", ...parameters });
  const config = () => cluster.client.ok<Record<string, string>>("GET", "/nodes/pve1/qemu/2002/config");

  test("disks are allocated, interfaces get a hardware address", async () => {
    await create({
      scsi0: "local-lvm:32,discard=on",
      ide2: "local-lvm:cloudinit",
      net0: "virtio,bridge=vmbr0",
    });
    expect(await config()).toMatchObject({
      scsi0: "local-lvm:vm-2002-disk-0,discard=on,size=32G",
      ide2: "local-lvm:vm-2002-cloudinit,media=cdrom,size=4M",
      net0: expect.stringMatching(/^virtio=BC:24:11(:[0-9A-F]{2}){3},bridge=vmbr0$/),
    });
    const volumes = await cluster.client.ok<{ volid: string; size: number }[]>(
      "GET",
      "/nodes/pve1/storage/local-lvm/content",
      { vmid: 2002 },
    );
    expect(volumes.find((volume) => volume.volid === "local-lvm:vm-2002-disk-0")?.size).toBe(32 * 2 ** 30);
  });

  test("an id is used once, and the next free one is offered", async () => {
    await create();
    const again = await cluster.client.call("POST", "/nodes/pve2/qemu", { vmid: 2002 });
    expect(again.reason).toBe("unable to create VM 2002 - VM 2002 already exists on node 'pve1'");
    expect(await cluster.client.ok("GET", "/cluster/nextid")).toBe("100");
    const taken = await cluster.client.call("GET", "/cluster/nextid", { vmid: 2002 });
    expect(taken.body.errors).toEqual({ vmid: "VM 2002 already exists" });
  });

  test("of two creates of one id at the same time, one wins", async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => cluster.client.call("POST", "/nodes/pve1/qemu", { vmid: 300 })),
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  });

  test("a change needs the present digest", async () => {
    await create({ cores: 2 });
    const before = await config();
    const path = "/nodes/pve1/qemu/2002/config";
    await cluster.client.ok("PUT", path, { cores: 4, digest: before.digest });
    const stale = await cluster.client.call("PUT", path, { cores: 8, digest: before.digest ?? "" });
    expect(stale.reason).toMatch(/^detected modified configuration/);
    expect((await config()).cores).toBe(4);
  });

  test("a disk that is taken away stays as unused, a resize only grows", async () => {
    await create({ scsi0: "local-lvm:8", scsi1: "local-lvm:10" });
    const path = "/nodes/pve1/qemu/2002";
    expect(await cluster.client.task("PUT", `${path}/resize`, { disk: "scsi0", size: "+2G" })).toBe("OK");
    expect(await cluster.client.task("PUT", `${path}/resize`, { disk: "scsi0", size: "4G" })).toBe(
      "shrinking disks is not supported",
    );
    await cluster.client.ok("PUT", `${path}/config`, { delete: "scsi1" });
    expect(await config()).toMatchObject({
      scsi0: "local-lvm:vm-2002-disk-0,size=10G",
      unused0: "local-lvm:vm-2002-disk-1",
    });
  });

  test("an option that there is not is not taken away, nor one that is set by the same call", async () => {
    await create();
    const refusal = async (parameters: Record<string, string | number>) =>
      (await cluster.client.call("PUT", "/nodes/pve1/qemu/2002/config", parameters)).body.errors;
    expect(await refusal({ delete: "colour" })).toEqual({ delete: "unknown option 'colour'" });
    expect(await refusal({ delete: "cores", cores: 2 })).toEqual({
      delete: "you can't use '-cores' and -delete cores' at the same time",
    });
    expect(await refusal({ delete: "1st" })).toEqual({
      delete: "invalid format - invalid configuration ID '1st'",
    });
  });

  test("a protected machine is not removed; purge takes it out of the backup jobs", async () => {
    await create({ protection: 1 });
    const job = { id: "daily", schedule: "02:00", storage: "local", vmid: "2001,2002" };
    await cluster.client.ok("POST", "/cluster/backup", job);
    const path = "/nodes/pve1/qemu/2002";
    expect((await cluster.client.call("DELETE", path)).reason).toBe(
      "can't remove VM 2002 - protection mode enabled",
    );
    await cluster.client.ok("PUT", `${path}/config`, { protection: 0 });
    expect(await cluster.client.task("DELETE", path, { purge: 1 })).toBe("OK");
    expect(await cluster.client.ok("GET", "/cluster/backup/daily")).toMatchObject({ vmid: "2001" });
    expect((await cluster.client.call("GET", `${path}/config`)).reason).toBe(
      "Configuration file 'nodes/pve1/qemu-server/2002.conf' does not exist",
    );
  });

  test("a machine without an image does not start, and its task says why", async () => {
    await create({ scsi0: "local-lvm:8" });
    const exit = await cluster.client.task("POST", "/nodes/pve1/qemu/2002/status/start");
    expect(exit).toMatch(/no disk with an imported image/);
    expect(await cluster.client.ok("GET", "/nodes/pve1/qemu/2002/status/current")).toMatchObject({
      status: "stopped",
    });
    const ping = await cluster.client.call("POST", "/nodes/pve1/qemu/2002/agent/ping");
    expect(ping.reason).toBe("VM 2002 is not running");
  });

  test("everything is there after a restart", async () => {
    await create({ memory: 4096, tags: "database;desi" });
    const before = await config();
    await cluster.restart();
    expect(await config()).toEqual(before);
  });
});

describe("backup jobs", () => {
  const job = { id: "vm-daily", schedule: "02:00", storage: "local", mode: "snapshot", vmid: "2002" };

  test("strings on write are objects on read, and writes answer null", async () => {
    const written = {
      ...job,
      "prune-backups": "keep-daily=7,keep-weekly=4",
      fleecing: "enabled=1,storage=local-lvm",
    };
    expect(await cluster.client.ok("POST", "/cluster/backup", written)).toBeNull();
    const read = await cluster.client.ok<Record<string, unknown>>("GET", "/cluster/backup/vm-daily");
    expect(read).toMatchObject({
      id: "vm-daily",
      type: "vzdump",
      enabled: 1,
      "prune-backups": { "keep-daily": "7", "keep-weekly": "4" },
      fleecing: { enabled: "1", storage: "local-lvm" },
    });
    expect(new Date(Number(read["next-run"]) * 1000).getUTCHours()).toBe(2);
  });

  test.each([
    [{ ...job, all: 1 }, { all: "option conflicts with option 'vmid'" }],
    [{ id: "x1", schedule: "02:00" }, { vmid: "property is missing and it is not optional" }],
    [{ ...job, schedule: "25:00" }, { schedule: expect.stringContaining("hour '25' is not within 0..23") }],
    [{ ...job, "prune-backups": "keep-daily=x" }, { "prune-backups": expect.stringContaining("'integer'") }],
    [{ ...job, mode: "hot" }, { mode: expect.stringContaining("enumeration 'snapshot, suspend, stop'") }],
  ])("%j is refused", async (parameters, errors) => {
    const answer = await cluster.client.call("POST", "/cluster/backup", parameters);
    expect([answer.status, answer.body.errors]).toEqual([400, errors]);
  });

  test("a change of the machines replaces the selection before", async () => {
    await cluster.client.ok("POST", "/cluster/backup", {
      id: "all1",
      schedule: "daily",
      all: 1,
      exclude: "100",
    });
    await cluster.client.ok("PUT", "/cluster/backup/all1", { vmid: "200" });
    const read = await cluster.client.ok<Record<string, unknown>>("GET", "/cluster/backup/all1");
    expect(read).not.toHaveProperty("all");
    expect(read).not.toHaveProperty("exclude");
    await cluster.client.ok("DELETE", "/cluster/backup/all1");
    expect((await cluster.client.call("GET", "/cluster/backup/all1")).body.errors).toEqual({
      id: "No such job 'all1'",
    });
  });

  test("machines in no job are listed", async () => {
    for (const vmid of [2002, 2003]) await cluster.client.task("POST", "/nodes/pve1/qemu", { vmid });
    await cluster.client.ok("POST", "/cluster/backup", job);
    const list = await cluster.client.ok<{ vmid: number }[]>("GET", "/cluster/backup-info/not-backed-up");
    expect(list.map((guest) => guest.vmid)).toEqual([2003]);
  });
});

describe("faults", () => {
  const create = (fault: object) =>
    fetch(`${cluster.url}/sim/faults`, {
      method: "POST",
      headers: { authorization: `PVEAPIToken=${adminToken.id}=${adminToken.secret}` },
      body: JSON.stringify(fault),
    });

  test("a call fails as often as it is told, in the product's form", async () => {
    const message = "cfs-lock 'file-storage_cfg' error: got lock request timeout";
    await create({ method: "GET", path: "/storage", times: 1, status: 500, message });
    const failed = await cluster.client.call("GET", "/storage");
    expect([failed.status, failed.body.message]).toEqual([500, `${message}\n`]);
    expect((await cluster.client.call("GET", "/storage")).status).toBe(200);
  });

  test("one whose connection is cut afterwards has acted", async () => {
    await create({ method: "POST", path: "/pools", times: 1, drop: "after" });
    await expect(cluster.client.call("POST", "/pools", { poolid: "lab" })).rejects.toThrow();
    expect(await cluster.client.ok("GET", "/pools")).toEqual([{ poolid: "lab" }]);
  });

  test("whoever may not change the cluster sets none", async () => {
    const answer = await fetch(`${cluster.url}/sim/faults`, { method: "DELETE" });
    expect(answer.status).toBe(401);
  });
});

describe("a node that is off", () => {
  const turn = (status: string) =>
    fetch(`${cluster.url}/sim/nodes/pve2`, {
      method: "PUT",
      headers: {
        authorization: `PVEAPIToken=${adminToken.id}=${adminToken.secret}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ status }),
    });

  test("is not reached, the rest of the cluster is, and it comes back as it was", async () => {
    await cluster.client.task("POST", "/nodes/pve2/qemu", { vmid: 200, name: "away" });
    expect((await turn("offline")).status).toBe(200);
    const answer = await cluster.client.call("GET", "/nodes/pve2/qemu/200/config");
    expect([answer.status, answer.reason]).toEqual([595, "No route to host"]);
    expect(await cluster.client.ok("GET", "/nodes")).toMatchObject([
      { node: "pve1", status: "online" },
      { node: "pve2", status: "offline" },
    ]);
    expect(await cluster.client.ok("GET", "/cluster/resources", { type: "vm" })).toMatchObject([
      { vmid: 200, status: "unknown" },
    ]);
    await turn("online");
    expect(await cluster.client.ok("GET", "/nodes/pve2/qemu/200/config")).toMatchObject({ name: "away" });
  });
});

describe("a small node", () => {
  const small = { name: "pve1", parallelCreates: 2, createSeconds: 0.3 };

  test("is busy with as many disks as it can make; who waits too long fails", async () => {
    const busy = await startTestCluster(testConfig({ nodes: [small], lockTimeoutSeconds: 0.1 }));
    const create = (vmid: number) =>
      busy.client.task("POST", "/nodes/pve1/qemu", { vmid, scsi0: "local-lvm:8" });
    const ends = await Promise.all([100, 101, 102, 103].map(create));
    const late = "can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout";
    expect(ends.sort()).toEqual(["OK", "OK", late, late]);
    await busy.close();
  });
});
