import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as proxmoxve from "@muhlba91/pulumi-proxmoxve";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diffInputs } from "../../../infra/provider/diff.ts";
import { pvePrivileges } from "../../lab/pve-role.ts";
import { refusalsOf } from "../../pve/permission-testing.ts";
import { startTestCluster, type TestCluster, testConfig } from "../../pve/testing.ts";
import { findPulumi, type TestStack, testStack } from "../testing.ts";
import { snippet } from "./files.ts";
import { proxmoxveProvider } from "./provider.ts";
import { virtualMachine } from "./vm.ts";

const engine = await findPulumi();
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor says how to get it");
const content = Buffer.from("an image".repeat(1000));
const sha256 = createHash("sha256").update(content).digest("hex");
/** Calls that ask for the first are content with the second, which the program needs for other calls anyway. */
const alternatives = new Map<string, string>([
  ["Datastore.Audit", "Datastore.AllocateSpace"],
  ["VM.Config.Cloudinit", "VM.Config.Network"],
]);

/** A token with no more than the README gives the program. */
const programToken = { id: "pulumi@pve!lab", secret: "a-secret" };

interface Wish {
  endpoint: string;
  token?: string;
  mirror?: string;
  cores?: number;
  vlanId?: number;
  dataDiskGib?: number;
  protection?: boolean;
  dnsServers?: string[];
  notesTemplate?: string;
  /** Without one a key is generated. */
  encryptionKey?: string;
}

/** A guest that is not started, its files, and a job that backs it up. */
function cluster(wish: Wish) {
  return async () => {
    const provider = new proxmoxve.Provider("pve", {
      endpoint: wish.endpoint,
      apiToken: wish.token ?? `${programToken.id}=${programToken.secret}`,
      insecure: false,
      ssh: { agent: true, username: "root" },
    });
    const opts = { provider };
    const place = { nodeName: "pve1", datastoreId: "local" };
    new proxmoxve.download.File(
      "image",
      {
        ...place,
        contentType: "import",
        url: `${wish.mirror}/image.raw`,
        fileName: "image.raw",
        checksum: sha256,
        checksumAlgorithm: "sha256",
        overwrite: false,
      },
      opts,
    );
    const userData = new proxmoxve.FileLegacy(
      "user-data",
      {
        ...place,
        contentType: "snippets",
        sourceRaw: { fileName: "pg01.yaml", data: pulumi.secret("#cloud-config\nhostname: pg01\n") },
      },
      opts,
    );
    const disk = { datastoreId: "local-lvm", discard: "on", iothread: true, ssd: true };
    const vm = new proxmoxve.VmLegacy(
      "vm",
      {
        nodeName: "pve1",
        vmId: 200,
        name: "pg01",
        description: "a guest",
        tags: ["primary", "lab"],
        cpu: { cores: wish.cores ?? 2, type: "x86-64-v2-AES" },
        memory: { dedicated: 2048 },
        agent: { enabled: true },
        operatingSystem: { type: "l26" },
        scsiHardware: "virtio-scsi-single",
        disks: [
          { ...disk, interface: "scsi0", size: 16 },
          ...(wish.dataDiskGib === undefined
            ? []
            : [{ ...disk, interface: "scsi1", size: wish.dataDiskGib }]),
        ],
        networkDevices: [
          { bridge: "vmbr0", model: "virtio", ...(wish.vlanId === undefined ? {} : { vlanId: wish.vlanId }) },
        ],
        initialization: {
          datastoreId: "local-lvm",
          ipConfigs: [{ ipv4: { address: "10.9.0.20/24", gateway: "10.9.0.1" } }],
          dns: { domain: "lab.test", ...(wish.dnsServers === undefined ? {} : { servers: wish.dnsServers }) },
          userDataFileId: userData.id,
        },
        serialDevices: [{}],
        started: false,
        protection: wish.protection ?? false,
        stopOnDestroy: true,
      },
      opts,
    );
    const storage = new proxmoxve.storage.Pbs(
      "pbs",
      {
        resourceId: "pbs01",
        server: "10.9.0.9",
        datastore: "main",
        username: "pve@pbs!backup",
        password: "hidden-word",
        ...(wish.encryptionKey === undefined
          ? { generateEncryptionKey: true }
          : { encryptionKey: pulumi.secret(wish.encryptionKey) }),
      },
      opts,
    );
    new proxmoxve.backup.Job(
      "job",
      {
        resourceId: "gold",
        schedule: "*-*-* 02:00",
        storage: storage.resourceId,
        vmids: ["200"],
        pruneBackups: { "keep-all": "1" },
        repeatMissed: true,
        ...(wish.notesTemplate === undefined ? {} : { notesTemplate: wish.notesTemplate }),
      },
      { ...opts, dependsOn: [vm] },
    );
    return { key: storage.generatedEncryptionKey, mac: vm.macAddresses, addresses: vm.ipv4Addresses };
  };
}

describe.skipIf(!engine)("guests and backups of a simulated cluster", { timeout: 120_000 }, () => {
  let pve: TestCluster;
  let mirror: Server;
  let test: TestStack;
  let wish: Wish;
  const want = (changes: Partial<Wish>) => {
    wish = { ...wish, ...changes };
    test.stack.workspace.program = cluster(wish);
  };
  const config = () => pve.client.ok<Record<string, string | number>>("GET", "/nodes/pve1/qemu/200/config");

  beforeAll(async () => {
    const base = testConfig();
    const acl = [{ path: "/", privileges: [...pvePrivileges], propagate: true }];
    pve = await startTestCluster({ ...base, tokens: [...base.tokens, { ...programToken, acl }] });
    mirror = createServer((_, response) => response.end(content));
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    const mirrorUrl = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
    wish = { endpoint: pve.url, mirror: mirrorUrl, dnsServers: ["10.9.0.1"], notesTemplate: "{{guestname}}" };
    test = await testStack(engine ?? "", proxmoxveProvider, cluster(wish));
  });
  afterAll(async () => {
    await test?.close();
    mirror?.close();
    await pve?.close();
  });

  it("are previewed without a server", async () => {
    want({ endpoint: "http://127.0.0.1:1" });
    expect((await test.stack.preview()).changeSummary.create).toBe(7);
    want({ endpoint: pve.url });
  });

  it("are built, and then there is nothing to do, also after a refresh", async () => {
    const { outputs } = await test.stack.up();
    expect(outputs.key?.secret).toBe(true);
    expect(JSON.parse(String(outputs.key?.value))).toHaveProperty("fingerprint");
    expect(outputs.addresses?.value).toEqual([["10.9.0.20"]]);
    expect(String(await config().then(({ net0 }) => net0))).toContain(outputs.mac?.value[0]);
    expect(await config()).toMatchObject({
      cores: 2,
      memory: "2048",
      cicustom: "user=local:snippets/pg01.yaml",
      ipconfig0: "ip=10.9.0.20/24,gw=10.9.0.1",
    });
    await test.stack.refresh({ expectNoChanges: true });
    await test.stack.preview({ expectNoChanges: true });
  });

  it("are found changed and are mended", async () => {
    const address = /=([0-9A-F:]{17})/i.exec(String((await config()).net0))?.[1];
    await pve.client.ok("PUT", "/nodes/pve1/qemu/200/config", {
      cores: 7,
      net0: `virtio=${address},bridge=vmbr9`,
    });
    await pve.client.ok("PUT", "/cluster/backup/gold", { enabled: 0 });
    await pve.client.snippet("PUT", "pve1/snippets/local/pg01.yaml", "#cloud-config\n");
    await pve.client.ok("DELETE", "/storage/pbs01");
    const { summary } = await test.stack.refresh();
    expect(summary.resourceChanges).toMatchObject({ update: 3, delete: 1 });
    await pve.client.snippet("PUT", "pve1/snippets/local/pg01.yaml", "#cloud-config\nhostname: pg01\n");
    await test.stack.refresh();
    await test.stack.up();
    expect(await config()).toMatchObject({ cores: 2, net0: `virtio=${address},bridge=vmbr0` });
    expect(await pve.client.ok("GET", "/cluster/backup/gold")).toMatchObject({ enabled: 1 });
    await test.stack.refresh({ expectNoChanges: true });
  });

  it("change in place and lose what the program no longer states", async () => {
    const { notesTemplate: _, dnsServers: __, ...rest } = wish;
    wish = rest;
    want({ cores: 4, vlanId: 20, dataDiskGib: 8 });
    const before = await config();
    const { summary } = await test.stack.up();
    expect(summary.resourceChanges).toMatchObject({ update: 2 });
    expect(summary.resourceChanges).not.toHaveProperty("replace");
    const after = await config();
    expect(after).toMatchObject({ cores: 4, net0: `${before.net0},tag=20`, scsi0: before.scsi0 });
    expect(after.scsi1).toContain("size=8G");
    expect(after).not.toHaveProperty("nameserver");
    expect(await pve.client.ok("GET", "/cluster/backup/gold")).not.toHaveProperty("notes-template");
    want({ dataDiskGib: 12 });
    await test.stack.up();
    expect((await config()).scsi1).toContain("size=12G");
    await test.stack.refresh({ expectNoChanges: true });
  });

  it("keep their key when the storage is made anew with it", async () => {
    const { key } = await test.stack.outputs();
    const before = await pve.client.ok<Record<string, string>>("GET", "/storage/pbs01");
    want({ encryptionKey: String(key?.value) });
    const { summary } = await test.stack.up();
    expect(summary.resourceChanges).toMatchObject({ replace: 1 });
    const after = await pve.client.ok<Record<string, string>>("GET", "/storage/pbs01");
    expect(after["encryption-key"]).toBe(before["encryption-key"]);
    await test.stack.refresh({ expectNoChanges: true });
    await test.stack.preview({ expectNoChanges: true });
  });

  it("are not forgotten when the token is refused", async () => {
    want({ token: `${programToken.id}=wrong` });
    await expect(test.stack.refresh({ runProgram: true })).rejects.toThrow(/401/);
    want({ token: `${programToken.id}=${programToken.secret}` });
    await test.stack.up();
    await test.stack.preview({ expectNoChanges: true });
  });

  it("are kept while they are protected, and leave nothing afterwards", async () => {
    want({ protection: true });
    await test.stack.up();
    await expect(test.stack.destroy()).rejects.toThrow("protection mode enabled");
    want({ protection: false });
    await test.stack.up();
    await test.stack.destroy();
    expect(await pve.client.ok("GET", "/nodes/pve1/qemu")).toEqual([]);
    expect(await pve.client.ok("GET", "/cluster/backup")).toEqual([]);
    expect(await pve.client.ok("GET", "/nodes/pve1/storage/local/content")).toEqual([]);
  });

  it.each(pvePrivileges)("need %s: without it one of the calls is refused", (privilege) => {
    const guest = { node: "pve1", vmid: 200 };
    const made = [
      ...pve.calls,
      // Guests that run need these as well; the real provider asks the agent for addresses.
      { method: "POST", path: "/nodes/{node}/qemu/{vmid}/status/start", params: guest },
      { method: "GET", path: "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", params: guest },
    ];
    const gone = [privilege, alternatives.get(privilege)];
    const privileges = pvePrivileges.filter((each) => !gone.includes(each));
    const acl = [{ path: "/", privileges, propagate: true }];
    expect(refusalsOf(pve.sim, made, { id: programToken.id, acl })).toContain(privilege);
  });
});

describe("a change", () => {
  const disk = { interface: "scsi0", datastoreId: "lvm", discard: "on", iothread: true, ssd: true, size: 16 };
  const imported = { ...disk, importFrom: "local:import/a.raw" };
  const replaced = (before: object, after: object) =>
    diffInputs(virtualMachine as never, { ...before }, { ...after })
      .filter((change) => change.replaces)
      .map((change) => change.property);

  it("of image, user data or node makes the guest anew", () => {
    expect(
      replaced({ disks: [imported] }, { disks: [{ ...imported, importFrom: "local:import/b.raw" }] }),
    ).toEqual(["disks"]);
    const initialization = { userDataFileId: "local:snippets/a.yaml", dns: { domain: "a" } };
    const other = { ...initialization, userDataFileId: "local:snippets/b.yaml" };
    expect(replaced({ initialization }, { initialization: other })).toEqual(["initialization"]);
    expect(replaced({ nodeName: "pve1" }, { nodeName: "pve2" })).toEqual(["nodeName"]);
  });

  it("of size, further disks, network or cloud-init settings does not", () => {
    const more = [
      { ...imported, size: 32 },
      { ...disk, interface: "scsi1" },
    ];
    expect(replaced({ disks: [imported] }, { disks: more })).toEqual([]);
    const initialization = { userDataFileId: "local:snippets/a.yaml", dns: { domain: "a" } };
    expect(
      replaced({ initialization }, { initialization: { ...initialization, dns: { domain: "b" } } }),
    ).toEqual([]);
    expect(replaced({ cpu: { cores: 2 } }, { cpu: { cores: 4 } })).toEqual([]);
  });

  it("of a snippet replaces it", () => {
    const [change] = diffInputs(snippet as never, { sourceRaw: { data: "a" } }, { sourceRaw: { data: "b" } });
    expect(change?.replaces).toBe(true);
  });
});
