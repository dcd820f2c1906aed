import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import { join } from "node:path";
import {
  DeleteBucketLifecycleCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PbsClient } from "../../infra/pbs/client.ts";
import { psql } from "../../rehearsal/dataset/seed.ts";
import { firingAlerts } from "../../rehearsal/drills/observe.ts";
import { execInGuest } from "../../rehearsal/guests/exec.ts";
import { findInstance, type Instance } from "../../rehearsal/lab/instance.ts";
import { placeOf } from "../../rehearsal/lab/places.ts";
import { askPrometheus, type PrometheusAccess } from "../../rehearsal/lab/prometheus.ts";
import { prometheusOf } from "../../rehearsal/lab/status.ts";
import { HttpsCaller } from "../../rehearsal/lib/https.ts";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import { recordedCalls } from "./calls.ts";
import { type Checkout, copyCheckout } from "./checkout.ts";
import { metricTests } from "./metrics.ts";
import { restoreTests } from "./restore.ts";
import { runbookTests } from "./runbooks.ts";

/** What a lab that is minutes old has not had yet, and what is told of at the pace of a rehearsal. */
const yetToCome = ["GuestBackupUnknown", "MaintenanceUnknown", "RestoreNeverDrilled"];

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: the rehearsal needs root for its guests");

let lab: Checkout;
let instance: Instance;

const pulumi = (...args: string[]) =>
  lab.lab("pulumi", "--", ...args, "--non-interactive", "--color", "never");
const noChanges = async () => {
  const { exitCode, stdout } = await pulumi("preview", "--expect-no-changes", "--diff");
  expect(stdout).not.toMatch(/^\s+[+~-] /m);
  expect(exitCode).toBe(0);
};
const primary = () => placeOf(instance, 2002);
const standby = () => placeOf(instance, 2003);
const monitoring = () => placeOf(instance, 2010);

describe.skipIf(!isRoot)("the lab on one machine", () => {
  beforeAll(async () => {
    lab = await copyCheckout();
    await lab.mustLab("up", "--data-mib", "40");
    const found = await findInstance(lab.root);
    if (!found) throw new Error("up left no instance");
    instance = found;
  });

  afterAll(async () => {
    await lab?.remove();
  });

  it("stands after one command: every service and guest runs", async () => {
    const { stack, services, resources } = await lab.status();
    expect(stack).toBe("rehearsal");
    expect(services.filter(({ state }) => state !== "running")).toEqual([]);
    expect(services.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["pve", "pbs", "s3", "proj-pg01", "proj-pg02", "proj-mon01"]),
    );
    expect(resources).toBeGreaterThan(50);
  });

  it("has a dump of every database that was proven by restoring it", async () => {
    const protections = await waitFor(
      async () => {
        const dumps = (await lab.status()).protections.filter(({ kind }) => kind === "database-dump");
        return dumps.length === 3 && dumps;
      },
      { what: "Prometheus to know of three dumps", timeoutSeconds: 60, intervalMs: 1000 },
    );
    for (const { lastGood, validated, rpoSeconds } of protections) {
      expect(new Date(lastGood ?? "").toISOString()).toBe(lastGood);
      expect(validated).not.toBeNull();
      expect(rpoSeconds).toBeLessThan(3600);
    }
  });

  it("has checked the indexes of what it restored, and what the site asks of it, and encrypts what it keeps", async () => {
    const runs = "/mnt/backup/postgresql/full/pg01";
    const first = ["sh", "-c", `cat ${runs}/$(ls ${runs} | head -n 1)/manifest.json`] as const;
    const { encryption, validation } = JSON.parse((await execInGuest(primary(), first)).stdout);
    expect(encryption.recipients).toHaveLength(2);
    expect(validation.databases).toHaveLength(3);
    for (const { indexes, checks } of validation.databases) {
      expect(indexes).toMatchObject({ outcome: "passed", checked: expect.any(Number) });
      expect(indexes.checked).toBeGreaterThan(3);
      expect(checks).toMatchObject([{ name: "has galaxies", outcome: "passed" }]);
    }
  });

  it("has these dumps in the archive, locked and encrypted, and the reader finds them as they were sent", async () => {
    const { protections } = await lab.status();
    const dumps = protections.filter(({ kind }) => kind === "database-dump");
    expect(dumps.map(({ offsite }) => offsite)).toEqual(dumps.map(({ lastGood }) => lastGood));
    const Bucket = "rehearsal-dumps";
    const { Versions = [] } = await s3().send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions.map(({ Key }) => Key?.split("/").at(-1))).toContain("manifest.json.gz");
    for (const { Key } of Versions) {
      const head = new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" });
      expect(await s3().send(head)).toMatchObject({
        ServerSideEncryption: "aws:kms",
        ObjectLockMode: "GOVERNANCE",
        ChecksumSHA256: expect.any(String),
      });
    }
    const { stdout: key } = await pulumi("stack", "output", "archiveReader", "--show-secrets", "--json");
    const file = "/run/archive-reader.json";
    const put = ["sh", "-c", `umask 077; cat > ${file} && chown dbkeeper ${file}`] as const;
    expect(await execInGuest(primary(), put, { input: key })).toMatchObject({ exitCode: 0 });
    const verify = ["dbkeeper", "archive", "verify", "--all", "--reader", file] as const;
    expect(await execInGuest(primary(), verify, { user: "dbkeeper" })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/all ([1-9]\d*) objects are as they were sent, \1 of them read in full/),
    });
  });

  it("has nothing to change right after", noChanges);

  it("streams from the primary to the standby", async () => {
    await psql(
      primary(),
      "desi_void_desivast",
      "CREATE TABLE IF NOT EXISTS sentinel (at timestamptz); INSERT INTO sentinel VALUES (now());",
    );
    const count = () => psql(standby(), "desi_void_desivast", "SELECT count(*) FROM sentinel;");
    await waitFor(async () => (await count()).trim() === "1", {
      what: "the row to reach the standby",
      timeoutSeconds: 30,
    });
    await expect(psql(standby(), "postgres", "CREATE TABLE x ();")).rejects.toThrow(/read-only/);
  });

  it("watches every host, exporter and database without an alert", async () => {
    const query = async (path: string) =>
      (await askPrometheus(await prometheus(), path)) as { data: Record<string, unknown[]> };
    const targets = await waitFor(
      async () => {
        const { data } = await query("targets?state=active");
        const active = data.activeTargets as { health: string; labels: { job: string; instance: string } }[];
        return active.every(({ health }) => health === "up") && active;
      },
      { what: "all targets to be up", timeoutSeconds: 60, intervalMs: 1000 },
    );
    expect(targets.map(({ labels }) => `${labels.job} ${labels.instance}`).sort()).toEqual([
      "alertmanager proj-mon01",
      "node proj-mon01",
      "node proj-pg01",
      "node proj-pg02",
      "postgres proj-pg01",
      "postgres proj-pg02",
      "prometheus proj-mon01",
    ]);
    const firing = async () =>
      (await firingAlerts(await prometheus()))
        .map(({ labels: { alertname = "", area } }) => ({ alertname, area }))
        // Guests share this machine's processors and disks, which are as busy and as full as they are.
        .filter(({ area }) => area !== "resources" && area !== "capacity")
        .map(({ alertname }) => alertname)
        .filter((name) => !yetToCome.includes(name));
    const ofTheMachine = ["BackupDirectoryFillsUp", "StorageFillsUp"];
    await waitFor(
      async () => {
        const names = (await firing()).filter((name) => !ofTheMachine.includes(name));
        if (names.join() === "Watchdog") return true;
        throw new Error(`these fire: ${names.join(", ")}`);
      },
      { what: "nothing but the dead man's switch to fire", timeoutSeconds: 300, intervalMs: 2000 },
    );
  });

  it("tells of what breaks, and of its end, to everybody who takes it", async () => {
    // Those that are quick and disturb each other least: all of them take ten minutes.
    const drills = ["stop-exporter", "fill-backup-disk", "eat-memory", "break-rules", "stop-standby"];
    const { exitCode, stdout } = await lab.lab("drill", "alerts", ...drills, "--json");
    const results: unknown[] = JSON.parse(stdout);
    const held = { failure: null, receivers: expect.arrayContaining(["dba-team", "on-call", "chat"]) };
    expect(results).toEqual(drills.map(() => expect.objectContaining(held)));
    expect(exitCode).toBe(0);
  });

  it("knows from every host when its certificates end, and that they are in use", async () => {
    const { data } = await waitFor(
      async () => {
        const answer = (await askPrometheus(
          await prometheus(),
          `query?query=${encodeURIComponent("lab_certificate_is_served == 1")}`,
        )) as { data: { result: { metric: { instance: string; service: string } }[] } };
        return answer.data.result.length === 9 && answer;
      },
      { what: "three services of each of three hosts", timeoutSeconds: 150, intervalMs: 2000 },
    );
    const services = data.result.map(({ metric }) => `${metric.instance} ${metric.service}`);
    expect(services).toContain("proj-pg02 postgresql");
    expect(services).toContain("proj-mon01 prometheus");
  });

  it("answers nobody without a certificate or a login", async () => {
    const { certificateAuthorities: ca } = await prometheus();
    for (const [guest, port] of [
      ["proj-pg01", 9100],
      ["proj-pg01", 9187],
    ] as const) {
      // From the only host that the firewall lets through, with the lab's authority but no certificate.
      const address = addressOf(guest);
      const asked = await execInGuest(monitoring(), [
        "curl",
        "--silent",
        "--show-error",
        "--cacert",
        "/etc/lab/tls/ca.pem",
        `https://${address}:${port}/metrics`,
      ]);
      // The refusal arrives while the request is sent or while the answer is awaited.
      expect([55, 56]).toContain(asked.exitCode);
      expect(asked.stdout).toBe("");
      const plain = await execInGuest(monitoring(), [
        "curl",
        "--silent",
        `http://${address}:${port}/metrics`,
      ]);
      expect(plain.stdout).not.toContain("# HELP");
    }
    for (const port of [9090, 9093]) {
      const caller = new HttpsCaller({ host: addressOf("proj-mon01"), port }, { caCertificate: ca });
      expect((await caller.call("GET", "/", {})).status).toBe(401);
      caller.close();
    }
  });

  it("streams over TLS to a standby that has checked who the primary is", async () => {
    const sql = (text: string) => psql(primary(), "postgres", text);
    expect(await sql("SELECT version FROM pg_stat_ssl JOIN pg_stat_replication USING (pid);")).toContain(
      "TLSv1.3",
    );
    expect(await psql(standby(), "postgres", "SELECT conninfo FROM pg_stat_wal_receiver;")).toMatch(
      /sslmode=verify-full/,
    );
  });

  it("has no way out", async () => {
    const { exitCode } = await execInGuest(primary(), ["ping", "-c", "1", "-W", "2", "192.0.2.1"]);
    expect(exitCode).not.toBe(0);
    const routes = await execInGuest(primary(), ["ip", "route", "show", "default"]);
    expect(routes.stdout).toBe("");
  });

  metricTests(monitoring);

  restoreTests(() => lab, primary);

  runbookTests(
    () => lab,
    () => instance,
  );

  describe("what was changed behind Pulumi's back is found by refresh and mended by up", () => {
    const mend = async (path: RegExp) => {
      const found = await pulumi("refresh", "--yes", "--diff");
      expect(found.stdout).toMatch(path);
      await lab.mustLab(
        "pulumi",
        "--",
        "up",
        "--yes",
        "--skip-preview",
        "--non-interactive",
        "--color",
        "never",
      );
      await noChanges();
    };

    it("a retention on the backup server", async () => {
      const pbs = pbsClient();
      await pbs.put("/config/prune/prune-critical-daily", { "keep-daily": 1 });
      await mend(/keepDaily\s*: 7 => 1/);
      const { data } = await pbs.get("/config/prune/prune-critical-daily");
      expect(data).toMatchObject({ "keep-daily": 7 });
    });

    it("a lifecycle in the archive", async () => {
      await s3().send(new DeleteBucketLifecycleCommand({ Bucket: "rehearsal-dumps" }));
      await mend(/bucketLifecycleConfiguration/i);
    });

    it("a file and a service on a host", async () => {
      await execInGuest(monitoring(), [
        "sh",
        "-c",
        "echo '# edited' >> /etc/prometheus/prometheus.yml; systemctl stop node_exporter",
      ]);
      await mend(/changed on the host/);
      const { stdout } = await execInGuest(monitoring(), [
        "sh",
        "-c",
        "systemctl is-active node_exporter; tail -1 /etc/prometheus/prometheus.yml",
      ]);
      expect(stdout).toMatch(/^active\n(?!# edited)/);
    });
  });

  it("refuses a second up at the same time and says who is at work", async () => {
    const first = execa(join(lab.root, "lab"), ["up"], { cwd: lab.root, stdin: "ignore" });
    await waitFor(() => readFile(join(lab.root, ".lab", "rehearsal", "lock.json")), {
      what: "the first up to take the lock",
      timeoutSeconds: 30,
    });
    const second = await lab.lab("up");
    expect(second.exitCode).toBe(75);
    expect(second.stderr).toMatch(/`lab up` \(pid \d+\) is working on this lab/);
    await first;
  });

  it("is repaired by the next up after one was killed in the middle", async () => {
    await pulumi("destroy", "--yes", "--skip-preview");
    const child = execa(join(lab.root, "lab"), ["up", "--data-mib", "40"], {
      cwd: lab.root,
      stdin: "ignore",
      detached: true,
      reject: false,
    });
    await waitFor(async () => (await runningGuests()) > 0, {
      what: "the first guest of the update",
      timeoutSeconds: 120,
    });
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await child;
    await lab.mustLab("up", "--data-mib", "40");
    await noChanges();
    expect((await lab.status()).services.filter(({ state }) => state !== "running")).toEqual([]);
  });

  it("comes back with its data after down and up", async () => {
    const before = await psql(primary(), "desi_void_desivast", "SELECT count(*) FROM raw_catalogs.galaxies;");
    await lab.mustLab("down");
    expect((await lab.status()).services.filter(({ state }) => state !== "stopped")).toEqual([]);
    await lab.mustLab("up");
    expect(await psql(primary(), "desi_void_desivast", "SELECT count(*) FROM raw_catalogs.galaxies;")).toBe(
      before,
    );
    await noChanges();
  });

  it("leaves nothing after destroy", async () => {
    const { exitCode, stdout } = await pulumi("destroy", "--yes", "--skip-preview");
    expect(stdout).toMatch(/Resources:/);
    expect(exitCode).toBe(0);
    expect(await runningGuests()).toBe(0);
    expect((await s3().send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
    expect((await pbsClient().get("/config/datastore")).data).toEqual([]);
  });

  it.each(["pve", "pbs"] as const)(
    "called %s as its API is described all that time, and was answered so",
    async (product) => {
      const { called, problems = [] } = await recordedCalls(lab.calls, product);
      expect(called.filter((call) => call.startsWith("DELETE "))).not.toEqual([]);
      expect(problems).toEqual([]);
    },
  );

  it("leaves nothing on the machine after down", async () => {
    await lab.mustLab("down");
    const { stdout: links } = await execa("ip", ["-oneline", "link", "show"]);
    expect(links).not.toContain(`lab${instance.id}`);
    expect(await readFile("/proc/self/mountinfo", "utf8")).not.toContain(lab.root);
    expect((await execa("losetup", ["--list", "--output", "BACK-FILE"])).stdout).not.toContain(lab.root);
    const { stdout: processes } = await execa("ps", ["-eo", "args"]);
    expect(processes.split("\n").filter((line) => line.includes(lab.root))).toEqual([]);
  });
});

async function prometheus(): Promise<PrometheusAccess> {
  const access = await prometheusOf(instance);
  if (!access) throw new Error("the stack has no outputs");
  return access;
}

function addressOf(guest: "proj-pg01" | "proj-mon01"): string {
  const last = { "proj-pg01": 52, "proj-mon01": 60 }[guest];
  return instance.hostAddress.replace(/\.1$/, `.${last}`);
}

async function runningGuests(): Promise<number> {
  return (await lab.status()).services.filter(
    ({ name, state }) => name.startsWith("proj-") && state === "running",
  ).length;
}

function pbsClient(): PbsClient {
  return new PbsClient({
    url: `https://${instance.hostAddress}:8007`,
    tokenId: "root@pam!pulumi",
    tokenSecret: instance.secrets.pbsToken,
    caCertificate: readFileSync(join(instance.folder, "tls", "ca.pem"), "utf8"),
  });
}

function s3(): S3Client {
  return new S3Client({
    region: "us-east-1",
    endpoint: `https://${instance.hostAddress}:9000`,
    requestHandler: {
      httpsAgent: new Agent({ ca: readFileSync(join(instance.folder, "tls", "ca.pem"), "utf8") }),
    },
    forcePathStyle: true,
    credentials: {
      accessKeyId: instance.secrets.awsAccessKey,
      secretAccessKey: instance.secrets.awsSecretKey,
    },
  });
}
