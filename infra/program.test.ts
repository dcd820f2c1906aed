import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { resolved } from "../test/mocks.ts";
import { recordedLab } from "../test/recorded-lab.ts";

const { site, outputs, resources, ofType, named } = await recordedLab();

describe("guests", () => {
  const managed = site.guests.filter((guest) => guest.managed);

  it("become virtual machines exactly where the site says so", () => {
    expect(ofType("proxmoxve:index/vmLegacy:VmLegacy").map(({ inputs }) => inputs.vmId)).toEqual(
      managed.map(({ id }) => id),
    );
  });

  it("have the size, address and image of the site", () => {
    const vm = named("proxmoxve:index/vmLegacy:VmLegacy", "proj-pg01");
    expect(vm).toMatchObject({
      nodeName: "node02",
      cpu: { cores: 8 },
      memory: { dedicated: 65_536 },
      protection: true,
      agent: { enabled: true },
      initialization: { ipConfigs: [{ ipv4: { address: "10.16.207.52/24", gateway: "10.16.207.1" } }] },
    });
    expect(vm.disks).toMatchObject([
      { interface: "scsi0", size: 200, importFrom: "local:import/ubuntu-24.04-20260705.qcow2" },
      { interface: "scsi1", size: 400 },
    ]);
  });

  it("come from an image that is checked against its digest, once a node", () => {
    const downloads = ofType("proxmoxve:download/file:File");
    expect(downloads).toHaveLength(new Set(managed.map(({ node }) => node)).size);
    for (const { inputs } of downloads) {
      expect(inputs).toMatchObject({
        checksum: site.images["ubuntu-2404"]?.sha256,
        checksumAlgorithm: "sha256",
      });
    }
  });

  it("get a host key that the delivery expects", () => {
    const file = named("proxmoxve:index/fileLegacy:FileLegacy", "proj-mon01");
    const { data } = file.sourceRaw as { data: string };
    expect(parse(data)).toMatchObject({
      ssh_keys: { ed25519_private: "PRIVATE proj-mon01-host", ed25519_public: "ssh-ed25519 proj-mon01-host" },
      ssh_pwauth: false,
      disable_root: true,
      users: [{ name: "lab-admin", ssh_authorized_keys: ["ssh-ed25519 deploy"] }],
    });
    expect(named("hosts:index:Delivery", "proj-mon01").connection).toMatchObject({
      address: "10.16.207.60",
      user: "lab-admin",
      hostKey: "ssh-ed25519 proj-mon01-host",
    });
  });

  it("cost at most five resources each", () => {
    const names = new Set(managed.map(({ name }) => name));
    for (const guest of names) {
      const own = resources.filter(({ name }) => name === guest || name === `${guest}-host`);
      expect(own.length).toBeLessThanOrEqual(5);
    }
  });
});

describe("backups", () => {
  it("run by one job a policy, with the policy's name as id", () => {
    expect(
      ofType("proxmoxve:backup/job:Job")
        .map(({ inputs }) => inputs.resourceId)
        .sort(),
    ).toEqual(["linux-weekly", "proj-dp01-daily", "proj-pg01-daily"]);
    expect(named("proxmoxve:backup/job:Job", "proj-pg01-daily")).toMatchObject({
      schedule: "02:00",
      vmids: ["2002"],
      mode: "snapshot",
      storage: "pbs-critical-daily",
      pruneBackups: { "keep-all": "1" },
    });
  });

  it("hold every Linux guest of the weekly policy", () => {
    const weekly = site.guests.filter(
      ({ backup }) => backup.tool === "pbs" && backup.policy === "linux-weekly",
    );
    expect(named("proxmoxve:backup/job:Job", "linux-weekly").vmids).toEqual(
      weekly.map(({ id }) => String(id)),
    );
  });

  it("are encrypted before they leave the node, with the key in a secret output", async () => {
    expect(named("proxmoxve:storage/pbs:Pbs", "pbs-critical-daily")).toMatchObject({
      generateEncryptionKey: true,
      namespace: "critical",
      datastore: "lab-backups",
      username: "lab-pve@pbs!nodes",
      password: "token-secret",
    });
    const keys = pulumi.output(outputs.backupEncryptionKeys);
    expect(await resolved(keys)).toEqual({
      "pbs-critical-daily": "key of pbs-critical-daily",
      "pbs-standard-weekly": "key of pbs-standard-weekly",
    });
    expect(await pulumi.isSecret(keys)).toBe(true);
  });

  it("are pruned by PBS as the retention says", () => {
    expect(named("pbs:index:PruneJob", "critical-daily")).toMatchObject({
      store: "lab-backups",
      ns: "critical",
      schedule: "04:30",
      keepDaily: 7,
      keepWeekly: 4,
      keepMonthly: 1,
    });
  });

  it("can be written but not removed by the nodes", () => {
    const grants = ofType("pbs:index:Acl").filter(({ name }) => !name.startsWith("watch-"));
    expect(new Set(grants.map(({ inputs }) => inputs.roleId))).toEqual(new Set(["DatastoreBackup"]));
  });

  it("can be looked at, and nothing else, by what watches", () => {
    const grants = ofType("pbs:index:Acl").filter(({ name }) => name.startsWith("watch-"));
    expect(grants.map(({ inputs }) => `${inputs.path} ${inputs.roleId}`)).toEqual([
      "/ Audit",
      "/datastore DatastoreAudit",
      "/system/tasks Audit",
    ]);
  });
});

it("tells what protects what, with the worst case", () => {
  expect(outputs.protections).toContainEqual({
    guest: "proj-pg01",
    vmId: 2002,
    tool: "pbs",
    job: "proj-pg01-daily",
    schedule: "02:00",
    storage: "pbs-critical-daily",
    datastore: "lab-backups",
    namespace: "critical",
    retention: "critical-daily",
    archiveBucket: "radioastronomy-lab-images",
    worstCaseRpoHours: 24,
  });
});
