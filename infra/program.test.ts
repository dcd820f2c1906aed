import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configSchema } from "../scripts/config.ts";
import lab from "../stacks/lab.ts";
import { type Recorded, recordResources, resolved } from "../test/mocks.ts";
import type { Settings } from "./settings.ts";
import { parseSite } from "./site.ts";

const secret = (text: string) => pulumi.secret(text);

const site = parseSite(lab());
let resources: Recorded[];
let outputs: pulumi.Inputs;

const ofType = (type: string) => resources.filter((resource) => resource.type === type);
const named = (type: string, name: string) => {
  const found = ofType(type).find((resource) => resource.name === name);
  if (!found) throw new Error(`no ${type} ${name} among ${ofType(type).map((resource) => resource.name)}`);
  return found.inputs;
};

beforeAll(async () => {
  resources = await recordResources(({ type, name }) => {
    if (type === "hosts:index:SshKey")
      return { privateKey: `PRIVATE ${name}`, publicKey: `ssh-ed25519 ${name}` };
    if (type === "hosts:index:GuestImages") return { kept: {} };
    if (type === "hosts:index:Password")
      return {
        value: name.endsWith("-backups")
          ? `passphrase of ${name}`.replaceAll(" ", "-")
          : "generated-password",
        bcryptHash: "bcrypt-of-password",
      };
    if (/^hosts:index:Certificate/.test(type))
      return { certificate: `CERTIFICATE ${name}`, privateKey: `KEY ${name}`, notAfter: "2027-01-01" };
    if (type === "pbs:index:ApiToken") return { tokenId: "lab-pve@pbs!nodes", value: "token-secret" };
    if (type === "proxmoxve:storage/pbs:Pbs") return { generatedEncryptionKey: `key of ${name}` };
    if (type === "aws:s3/bucket:Bucket") return { arn: `arn:aws:s3:::${name}` };
    if (type === "aws:kms/key:Key")
      return { arn: "arn:aws:kms:eu-central-1:123456789012:key/key", keyId: "key" };
    if (type === "aws:sns/topic:Topic") return { arn: `arn:aws:sns:eu-central-1:123456789012:${name}` };
    if (type === "aws:iam/accessKey:AccessKey") return { secret: "aws-secret" };
    return {};
  });
  const { buildLab } = await import("./program.ts");
  const settings: Settings = {
    proxmox: {
      endpoint: "https://pve:8006",
      sshUsername: "root",
      token: secret("t"),
      watchTokenId: "lab-watch@pve!proxwatch",
      watchTokenSecret: secret("t"),
    },
    pbs: {
      endpoint: "https://pbs:8007",
      tokenId: "root@pam!pulumi",
      tokenSecret: secret("t"),
      fingerprint: undefined,
    },
    aws: {
      store: { endpoint: "https://store:9000", certificateAuthority: "AUTHORITY" },
      credentials: undefined,
    },
    grafana: { url: "https://grafana", token: secret("t") },
    smtpPassword: undefined,
    channelSecret: secret,
    syncPassword: () => undefined,
    encryptionKey: () => undefined,
    keyEscrow: {},
    machine: undefined,
  };
  outputs = await buildLab(site, settings);
  await pulumi.runtime.disconnect();
}, 60_000);

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

describe("the archive", () => {
  it.each(["dumps", "configuration", "images"])("locks and keeps %s as the site says", (purpose) => {
    const name = `archive-${purpose}`;
    expect(named("aws:s3/bucket:Bucket", name)).toMatchObject({
      objectLockEnabled: true,
      forceDestroy: false,
    });
    expect(named("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name)).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const { rules } = named("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", name) as {
      rules: unknown[];
    };
    expect(rules).toMatchObject([{ transitions: [{ storageClass: "GLACIER" }], expiration: { days: 365 } }]);
    expect(named("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", name)).toMatchObject({
      rule: { defaultRetention: { mode: "GOVERNANCE" } },
    });
  });

  it("gives a writer nothing but putting under its own prefix", () => {
    const { policy } = named("aws:iam/userPolicy:UserPolicy", "archive-dumps-proj-pg01");
    const { Statement } = JSON.parse(String(policy)) as {
      Statement: { Action: string | string[]; Resource: unknown }[];
    };
    expect(Statement.flatMap(({ Action }) => Action).sort()).toEqual([
      "kms:Decrypt",
      "kms:GenerateDataKey",
      "s3:AbortMultipartUpload",
      "s3:PutObject",
    ]);
    expect(Statement[0]?.Resource).toBe("arn:aws:s3:::archive-dumps/proj-pg01/*");
  });

  it("logs every access into a bucket that nobody else may fill", () => {
    expect(named("aws:s3/bucketLogging:BucketLogging", "archive-dumps")).toMatchObject({
      targetBucket: "radioastronomy-lab-archive-logs",
      targetPrefix: "access/radioastronomy-lab-dumps/",
    });
    expect(named("aws:s3/inventory:Inventory", "archive-images")).toMatchObject({
      includedObjectVersions: "All",
      schedule: { frequency: "Weekly" },
      destination: { bucket: { bucketArn: "arn:aws:s3:::archive-logs", encryption: { sseS3: {} } } },
    });
    const { policy } = named("aws:s3/bucketPolicy:BucketPolicy", "archive-logs");
    const { Statement } = JSON.parse(String(policy)) as { Statement: { Sid: string; Condition: object }[] };
    expect(Statement.find(({ Sid }) => Sid === "AccessLogs")?.Condition).toEqual({
      ArnLike: {
        "aws:SourceArn": ["dumps", "configuration", "images"].map(
          (purpose) => `arn:aws:s3:::radioastronomy-lab-${purpose}`,
        ),
      },
      StringEquals: { "aws:SourceAccount": "123456789012" },
    });
    const locked = ofType("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration");
    // S3 delivers no logs to a bucket with object lock.
    expect(locked.map(({ name }) => name)).not.toContain("archive-logs");
  });

  it("tells the administrators of completed restores over an encrypted topic", () => {
    expect(named("aws:s3/bucketNotification:BucketNotification", "archive-dumps").topics).toMatchObject([
      {
        topicArn: "arn:aws:sns:eu-central-1:123456789012:archive-restores",
        events: ["s3:ObjectRestore:Completed"],
      },
    ]);
    expect(named("aws:sns/topic:Topic", "archive-restores").kmsMasterKeyId).toMatch(/^arn:aws:kms:/);
    expect(ofType("aws:sns/topicSubscription:TopicSubscription").map(({ inputs }) => inputs)).toMatchObject([
      { protocol: "email", endpoint: "admin@radioastronomy.io" },
    ]);
  });

  it("copies to another region only where the site wants it", () => {
    expect(ofType("aws:s3/bucketReplicationConfig:BucketReplicationConfig")).toEqual([]);
    expect(ofType("aws:iam/role:Role")).toEqual([]);
  });
});

describe("hosts", () => {
  const unitsOf = (host: string) =>
    (named("hosts:index:Delivery", host).units as readonly { name: string }[]).map(({ name }) => name);
  const filesOf = (host: string) =>
    named("hosts:index:Delivery", host).files as Record<
      string,
      { content?: string; source?: unknown; sensitive?: boolean }
    >;

  it("are scraped by Prometheus under their names", () => {
    const config = parse(filesOf("proj-mon01")["/etc/prometheus/prometheus.yml"]?.content ?? "") as {
      scrape_configs: {
        job_name: string;
        static_configs: { targets: string[]; labels: { instance: string } }[];
      }[];
    };
    const targets = (job: string) =>
      config.scrape_configs
        .find(({ job_name }) => job_name === job)
        ?.static_configs.map(({ targets: [target], labels }) => [labels.instance, target]);
    expect(targets("postgres")).toEqual([
      ["proj-pg01", "10.16.207.52:9187"],
      ["proj-pg02", "10.16.207.53:9187"],
    ]);
    expect(targets("rustydb-proj-rdb01")).toEqual([["proj-rdb01", "10.16.207.72:8080"]]);
    expect(targets("node")?.map(([instance]) => instance)).toContain("proj-exp01");
  });

  it("are scraped over TLS with a certificate, and show themselves only to who logs in", () => {
    const { scrape_configs, alerting } = parse(
      filesOf("proj-mon01")["/etc/prometheus/prometheus.yml"]?.content ?? "",
    ) as {
      scrape_configs: { job_name: string; scheme?: string; tls_config?: object; basic_auth?: object }[];
      alerting: { alertmanagers: { scheme?: string; basic_auth?: object }[] };
    };
    for (const { job_name, scheme, tls_config, basic_auth } of scrape_configs.slice(0, 4)) {
      expect(scheme).toBe("https");
      expect(tls_config).toMatchObject({ ca_file: "/etc/lab/tls/ca.pem" });
      const proof = basic_auth === undefined ? "certificate" : "password";
      expect(proof).toBe(["node", "postgres"].includes(job_name) ? "certificate" : "password");
    }
    expect(alerting.alertmanagers[0]).toMatchObject({ scheme: "https", basic_auth: { username: "lab" } });
    expect(named("grafana:oss/dataSource:DataSource", "grafana")).toMatchObject({
      url: "https://10.16.207.60:9090",
      basicAuthEnabled: true,
      secureJsonDataEncoded: JSON.stringify({
        basicAuthPassword: "generated-password",
        tlsCACert: "CERTIFICATE ca1",
      }),
    });
  });

  it("keep each private key in sensitive files alone, each for one account", () => {
    for (const { name } of site.guests.filter(({ managed }) => managed)) {
      const holding = Object.entries(filesOf(name)).filter(([, { content }]) => content?.startsWith("KEY "));
      expect(holding.length).toBeGreaterThan(0);
      for (const [path, file] of holding) {
        expect(path).toMatch(/^\/etc\/lab\/tls\/\w+\.key$/);
        expect(file).toMatchObject({ sensitive: true, mode: "0600" });
      }
    }
    expect(filesOf("proj-pg01")["/etc/lab/tls/postgresql.key"]?.content).toBe("KEY proj-pg01-postgresql");
    expect(filesOf("proj-pg01")["/etc/lab/tls/node_exporter.key"]?.content).toBe("KEY proj-pg01");
  });

  it("hold the replication password only in sensitive files", () => {
    for (const host of ["proj-pg01", "proj-pg02"]) {
      const holding = Object.entries(filesOf(host)).filter(([, { content }]) =>
        content?.includes("generated-password"),
      );
      expect(holding.map(([, { sensitive }]) => sensitive)).toEqual([true]);
    }
  });

  it("hold the passphrase of the physical backups in a sensitive file of the database alone", () => {
    const passphrase = "passphrase-of-pg01-backups";
    for (const { name } of site.guests.filter(({ managed }) => managed)) {
      const holding = Object.entries(filesOf(name)).filter(([, { content }]) =>
        content?.includes(passphrase),
      );
      expect(holding).toMatchObject(
        name === "proj-pg01"
          ? [["/etc/pgbackrest/conf.d/secrets.conf", { sensitive: true, mode: "0600", owner: "postgres" }]]
          : [],
      );
    }
  });

  it("hold the key that puts dumps into the archive in a sensitive file of the database alone", () => {
    for (const { name } of site.guests.filter(({ managed }) => managed)) {
      const holding = Object.entries(filesOf(name)).filter(([, { content }]) =>
        content?.includes("aws-secret"),
      );
      expect(holding).toMatchObject(
        name === "proj-pg01"
          ? [["/etc/dbkeeper/archive-writer.json", { sensitive: true, mode: "0400", owner: "dbkeeper" }]]
          : [],
      );
    }
  });

  it("have a configuration of the runtime that it reads, with the archive's own names", () => {
    const files = filesOf("proj-pg01");
    const config = configSchema.parse(JSON.parse(files["/etc/dbkeeper/config.json"]?.content ?? ""));
    expect(config.archive).toMatchObject({
      bucket: "radioastronomy-lab-dumps",
      prefix: "proj-pg01",
      region: "eu-central-1",
      endpoint: "https://store:9000",
      credentialsFile: "/etc/dbkeeper/archive-writer.json",
    });
    expect(files[config.archive?.caFile ?? ""]?.content).toBe("AUTHORITY");
    expect(config.retention.requireOffsite).toBe(true);
    const { rpoHours, rtoHours } = site.objectives.critical ?? {};
    expect(config.wal?.drill).toMatchObject({
      rpoSeconds: (rpoHours ?? 0) * 3600,
      rtoSeconds: (rtoHours ?? 0) * 3600,
    });
  });

  it("get programs only by address and digest", () => {
    expect(filesOf("proj-mon01")["/opt/lab/bin/prometheus"]?.source).toMatchObject({
      sha256: site.binaries.prometheus.sha256,
      url: site.binaries.prometheus.url,
    });
  });

  it("take dumps on the primary alone", () => {
    const timersOf = (host: string) =>
      unitsOf(host).filter((unit) => /^dbkeeper(?!-maintain|-observe).*\.timer$/.test(unit));
    expect(timersOf("proj-pg01")).toContain("dbkeeper.timer");
    expect(timersOf("proj-pg02")).toEqual([]);
  });

  it("maintain databases on every member, since any may be the next primary, and look at each", () => {
    for (const host of ["proj-pg01", "proj-pg02"]) {
      expect(unitsOf(host)).toContain("dbkeeper-observe.timer");
      const timers = unitsOf(host).filter((unit) => /^dbkeeper-maintain.*\.timer$/.test(unit));
      expect(timers).toHaveLength(3);
    }
  });

  it("make no backup while the disk for them is not mounted", () => {
    const guarded = Object.keys(filesOf("proj-pg01")).flatMap(
      (path) => /\/([^/]+)\.d\/backup-volume\.conf$/.exec(path)?.[1] ?? [],
    );
    expect(guarded.toSorted()).toEqual([
      "dbkeeper-archive.service",
      "dbkeeper-report-daily.service",
      "dbkeeper-report-monthly.service",
      "dbkeeper-report-weekly.service",
      "dbkeeper-validate.service",
      "dbkeeper-wal-backup.service",
      "dbkeeper-wal-check.service",
      "dbkeeper-wal-drill.service",
      "dbkeeper-wal-setup.service",
      "dbkeeper.service",
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
