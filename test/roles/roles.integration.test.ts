import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backupHostChecks } from "../../infra/hosts/backup-host.ts";
import { merge } from "../../infra/hosts/contribution.ts";
import { delivery } from "../../infra/hosts/provider/delivery.ts";
import { deliverySchema } from "../../infra/hosts/provider/inputs.ts";
import type { Properties } from "../../infra/provider/values.ts";
import { askPrometheus } from "../../rehearsal/lab/prometheus.ts";
import { prometheusOf } from "../../rehearsal/lab/status.ts";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import { type GuestName, guestNames, RolesLab } from "./lab.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: guests of every role need root");

const clusterMembers: readonly GuestName[] = ["proj-pg01", "proj-pg02"];

describe.skipIf(!isRoot)("the hosts of every role", { timeout: 120_000 }, () => {
  let lab: RolesLab;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-roles-"));
    lab = await RolesLab.build();
    const { deployKey, hostKeys } = await lab.stackOutputs();
    await writeFile(join(folder, "key"), deployKey);
    await chmod(join(folder, "key"), 0o600);
    await writeFile(
      join(folder, "known_hosts"),
      guestNames.map((guest) => `${lab.address(guest)} ${hostKeys[guest]}\n`).join(""),
    );
  }, 600_000);

  afterAll(async () => {
    await lab?.checkout.remove();
    await rm(folder, { recursive: true, force: true });
  }, 120_000);

  const ssh = (user: string, guest: GuestName, ...options: string[]) =>
    execa(
      "ssh",
      [
        ...["-F", "/dev/null", "-i", join(folder, "key"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
        ...["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${join(folder, "known_hosts")}`],
        ...["-o", "ConnectTimeout=10", ...options, `${user}@${lab.address(guest)}`, "sudo", "-n", "hostname"],
      ],
      { reject: false, stdin: "ignore" },
    );

  describe.each(guestNames)("%s", (guest) => {
    it("lets the administrator in by key, as the host it is known to be", async () => {
      expect(await ssh("lab-admin", guest)).toMatchObject({ exitCode: 0, stdout: guest });
    });

    it("lets nobody in by password, nor root by any means", async () => {
      const byPassword = [
        "-o",
        "PubkeyAuthentication=no",
        "-o",
        "PreferredAuthentications=password,keyboard-interactive",
      ];
      for (const refused of [await ssh("lab-admin", guest, ...byPassword), await ssh("root", guest)]) {
        expect(refused.exitCode).toBe(255);
        // What is in brackets is all that the server offers.
        expect(refused.stderr).toContain("Permission denied (publickey).");
      }
    });

    it("has ended its first boot without a warning", async () => {
      const status = JSON.parse(
        await lab.output(guest, "cloud-init", "status", "--long", "--format", "json"),
      );
      expect(status).toMatchObject({ status: "done", errors: [] });
      expect(Object.keys(status.recoverable_errors ?? {})).toEqual([]);
      const log = await lab.output(guest, "cat", "/var/log/cloud-init.log");
      expect(log.split("\n").filter((line) => /WARNING|ERROR|CRITICAL/.test(line))).toEqual([]);
      const schema = await lab.output(guest, "cloud-init", "schema", "--system");
      expect(schema).toContain("Valid cloud-config");
    });

    it("runs everything that it should, and nothing has failed", async () => {
      expect(await lab.output(guest, "systemctl", "--failed", "--no-legend", "--plain")).toBe("");
      const expected = [
        ...["ssh.service", "lab-firewall.service", "lab-sshd.service", "systemd-journald.service"],
        ...["node_exporter.service", "apt-daily.timer", "apt-daily-upgrade.timer"],
        ...(clusterMembers.includes(guest)
          ? ["postgresql@15-main.service", "postgres_exporter.service"]
          : []),
        ...(guest === "proj-pg01" ? ["dbkeeper.timer", "lab-postgres-roles.service"] : []),
        ...(clusterMembers.includes(guest)
          ? ["dbkeeper-maintain-daily.timer", "dbkeeper-observe.timer"]
          : []),
        ...(guest === "proj-mon01" ? ["prometheus.service", "alertmanager.service", "proxwatch.timer"] : []),
      ];
      const states = (await lab.exec(guest, ["systemctl", "is-active", ...expected])).stdout
        .trim()
        .split("\n");
      expect(expected.filter((_, index) => states[index] !== "active")).toEqual([]);
    });

    it("has the runtime's units of its role, no more and no less", async () => {
      const listed = await lab.exec(guest, [
        ...(["systemctl", "list-unit-files", "--no-legend", "--plain", "dbkeeper*"] as const),
      ]);
      const found = listed.stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
      const timed = (...names: readonly string[]) =>
        names.flatMap((name) => [`dbkeeper${name}.service`, `dbkeeper${name}.timer`]);
      const maintained = [
        ...timed("-maintain-daily", "-maintain-weekly", "-maintain-monthly", "-observe"),
        "dbkeeper-failed@.service",
      ];
      const dumped = [
        ...timed("", "-archive", "-disk", "-folders", "-report-daily", "-report-weekly", "-report-monthly"),
        ...timed("-wal-backup", "-wal-check", "-wal-drill"),
        ...["dbkeeper-health.service", "dbkeeper-validate.service", "dbkeeper-wal-setup.service"],
      ];
      const expected = [
        ...(clusterMembers.includes(guest) ? maintained : []),
        ...(guest === "proj-pg01" ? dumped : []),
      ];
      expect(found.filter((name) => name !== "").toSorted()).toEqual(expected.toSorted());
    });

    it("leaves to their own conditions what a container cannot have", async () => {
      for (const unit of ["chrony.service", "auditd.service", "lab-audit-rules.service"]) {
        const facts = await lab.output(
          guest,
          "systemctl",
          "show",
          "--property=ConditionResult,ActiveState",
          unit,
        );
        expect(facts.split("\n").sort()).toEqual(["ActiveState=inactive", "ConditionResult=no"]);
        expect((await lab.exec(guest, ["systemctl", "is-enabled", unit])).stdout.trim()).toBe("enabled");
      }
    });

    it("has configurations that the programs which read them accept", async () => {
      await lab.output(guest, "sshd", "-t");
      await lab.output(guest, "nft", "--check", "--file", "/etc/lab/firewall.nft");
      await lab.output(guest, "unattended-upgrade", "--dry-run");
      const units = await lab.output(
        guest,
        ...(["find", "/etc/systemd/system", "-maxdepth", "1", "-type", "f", "-name", "*.*"] as [
          string,
          ...string[],
        ]),
      );
      await lab.output(guest, "systemd-analyze", "verify", "--man=no", ...units.split("\n"));
    });

    it("keeps its journal, gives nobody a core and forwards nothing over SSH", async () => {
      expect(await lab.output(guest, "ls", "/var/log/journal")).toMatch(/^[0-9a-f]{32}$/);
      expect(
        await lab.output(guest, "sh", "-c", "ulimit -H -c; sysctl -n net.ipv4.conf.all.accept_redirects"),
      ).toMatch(/0$/);
      const effective = (await lab.output(guest, "sshd", "-T")).split("\n");
      expect(effective).toEqual(
        expect.arrayContaining([
          ...["allowtcpforwarding no", "allowagentforwarding no", "x11forwarding no", "permittunnel no"],
          ...[
            "loglevel VERBOSE",
            "maxauthtries 4",
            "allowusers lab-admin",
            "kbdinteractiveauthentication no",
          ],
        ]),
      );
    });

    it("replaces its firewall without touching a table of anybody else", async () => {
      await lab.output(guest, "nft", "add", "table", "inet", "somebody");
      await lab.output(guest, "systemctl", "reload", "lab-firewall.service");
      const tables = (await lab.output(guest, "nft", "list", "tables")).split("\n");
      expect(tables.sort()).toEqual(["table inet lab", "table inet somebody"]);
      await lab.output(guest, "nft", "delete", "table", "inet", "somebody");
    });
  });

  it("opens what the roles need of each other, and none of the other 65 thousand ports", async () => {
    const script = await readFile(new URL("scan.py", import.meta.url), "utf8");
    const machine = lab.instance.hostAddress;
    const scan = async (from: GuestName | "machine", to: GuestName, ports: readonly number[]) => {
      const source = from === "machine" ? machine : lab.address(from);
      const argv = ["python3", "-", source, lab.address(to), ...ports.map(String)] as const;
      const { exitCode, stdout, stderr } =
        from === "machine"
          ? await execa(argv[0], argv.slice(1), { input: script, reject: false })
          : await lab.exec(from, argv, script);
      if (exitCode !== 0) throw new Error(`scanning ${to} from ${from} failed: ${stderr}`);
      return JSON.parse(stdout) as { open: number[]; refused: number[] };
    };
    const opened: Record<string, Partial<Record<GuestName, number[]>>> = {
      machine: { "proj-pg01": [22], "proj-pg02": [22], "proj-exp01": [22], "proj-mon01": [22, 9090, 9093] },
      "proj-mon01": { "proj-pg01": [9100, 9187], "proj-pg02": [9100, 9187], "proj-exp01": [9100] },
      "proj-pg01": { "proj-pg02": [5432] },
      "proj-pg02": { "proj-pg01": [5432] },
      "proj-exp01": {},
    };
    const pairs = (["machine", ...guestNames] as const).flatMap((from) =>
      guestNames.filter((to) => to !== from).map((to) => [from, to] as const),
    );
    // Every port is tried where one was found open, and from the guest that nothing expects anything of.
    const all = new Set([
      "machine proj-pg01",
      "machine proj-mon01",
      "machine proj-exp01",
      "proj-mon01 proj-pg02",
    ]);
    for (const to of guestNames) all.add(`proj-exp01 ${to}`);
    const everyService = [22, 111, 5432, 9090, 9093, 9100, 9187];
    const found = [];
    for (const [from, to] of pairs) {
      found.push([from, to, await scan(from, to, all.has(`${from} ${to}`) ? [] : everyService)]);
    }
    // Refused would be a port that the firewall lets through and nobody listens at.
    const expected = pairs.map(([from, to]) => [from, to, { open: opened[from]?.[to] ?? [], refused: [] }]);
    expect(found).toEqual(expected);
  });

  it("has exporters that answer Prometheus's certificate over TLS, and nobody else", async () => {
    const exporters = [
      ...guestNames.map((guest) => [guest, 9100] as const),
      ...clusterMembers.map((guest) => [guest, 9187] as const),
    ];
    const tls = "/etc/lab/tls";
    const certificate = ["--cert", `${tls}/scraper.pem`, "--key", `${tls}/scraper.key`];
    for (const [guest, port] of exporters) {
      const ask = (...options: string[]) =>
        lab.exec("proj-mon01", [
          "curl",
          "--silent",
          "--cacert",
          `${tls}/ca.pem`,
          ...options,
          `https://${lab.address(guest)}:${port}/metrics`,
        ]);
      expect((await ask(...certificate)).stdout).toContain("# HELP");
      const unknown = await ask();
      // Refused while the request is sent, or while the answer is awaited.
      expect([guest, port, [55, 56].includes(unknown.exitCode ?? 0), unknown.stdout]).toEqual([
        guest,
        port,
        true,
        "",
      ]);
    }
  });

  it("sees from the monitoring host what the cluster and the backup server do", async () => {
    await lab.output("proj-mon01", "systemctl", "start", "proxwatch.service");
    const metrics = await lab.output("proj-mon01", "cat", "/var/lib/node_exporter/textfile/proxwatch.prom");
    expect(metrics).not.toMatch(/^lab_p\w+_(up|part_success)\{.*\} 0$/m);
    for (const guest of guestNames) expect(metrics).toContain(`lab_pve_guest_running{guest="${guest}"} 1`);
    expect(metrics).toContain('lab_pbs_job_scheduled{datastore="lab-backups",job_id="verify-lab-backups"');
  });

  it("looks at a backup server's disks and datastores, and tells Prometheus", async () => {
    const { deployKey, hostKeys } = await lab.stackOutputs();
    const guest = "proj-exp01";
    // A host that runs a backup server has node_exporter by the same delivery; this one has it already.
    // Nor can the rehearsal's guests have smartmontools: they see no disk of the machine.
    const { files, units } = merge(guest, [
      backupHostChecks({ datastores: { "lab-backups": "/proc", lost: "/mnt/datastore/lost" } }),
    ]);
    const inputs = deliverySchema.parse({
      connection: {
        address: lab.address(guest),
        user: "lab-admin",
        privateKey: deployKey,
        hostKey: hostKeys[guest],
      },
      name: "backup-host",
      files: Object.fromEntries(files.map(({ path, ...file }) => [path, file])),
      units,
    });
    const call = {
      client: null as never,
      urn: "urn:pulumi:test::lab::hosts:index:Delivery::pbs01",
      signal: AbortSignal.timeout(300_000),
      timeoutSeconds: undefined,
    };
    const { id } = await delivery.create(call, inputs as unknown as Properties);
    const metrics = await waitFor(
      async () => {
        const read = await lab.exec(guest, ["cat", "/var/lib/node_exporter/textfile/backup-host.prom"]);
        return read.exitCode === 0 && read.stdout;
      },
      { what: "the first look", timeoutSeconds: 60, intervalMs: 1000 },
    );
    expect(metrics).toContain('lab_backup_host_datastore_mounted{datastore="lab-backups"} 1');
    expect(metrics).toContain('lab_backup_host_datastore_mounted{datastore="lost"} 0');
    expect(metrics).toContain("lab_backup_host_disks 0");
    const states = ["is-enabled", "is-active"].map((verb) =>
      lab.output(guest, "systemctl", verb, "lab-backup-host-checks.timer"),
    );
    expect(await Promise.all(states)).toEqual(["enabled", "active"]);
    expect(await lab.output(guest, "systemctl", "--failed", "--no-legend", "--plain")).toBe("");
    const access = await prometheusOf(lab.instance);
    if (!access) throw new Error("the stack has no outputs");
    const query = new URLSearchParams({ query: "lab_backup_host_checked_timestamp_seconds" });
    const scraped = await waitFor(
      async () => {
        const { data } = (await askPrometheus(access, `query?${query}`)) as {
          data: { result: { metric: Record<string, string> }[] };
        };
        return data.result.length > 0 && data.result;
      },
      { what: "Prometheus to know of it", timeoutSeconds: 60, intervalMs: 1000 },
    );
    expect(scraped[0]?.metric).toMatchObject({ job: "node", instance: guest });
    await delivery.delete(call, id, { inputs: inputs as unknown as Properties, outputs: {} });
    expect((await lab.exec(guest, ["systemctl", "is-active", "node_exporter.service"])).stdout.trim()).toBe(
      "active",
    );
  }, 360_000);

  it("has the monitoring host scrape all of them", async () => {
    const access = await prometheusOf(lab.instance);
    if (!access) throw new Error("the stack has no outputs");
    const targets = await waitFor(
      async () => {
        const { data } = (await askPrometheus(access, "targets?state=active")) as {
          data: { activeTargets: { health: string; labels: { job: string; instance: string } }[] };
        };
        return data.activeTargets.every(({ health }) => health === "up") && data.activeTargets;
      },
      { what: "every target to be up", timeoutSeconds: 60, intervalMs: 1000 },
    );
    const scraped = targets.map(({ labels }) => `${labels.job} ${labels.instance}`);
    expect(scraped).toEqual(expect.arrayContaining(guestNames.map((guest) => `node ${guest}`)));
    expect(scraped).toEqual(expect.arrayContaining(clusterMembers.map((guest) => `postgres ${guest}`)));
  });
});
