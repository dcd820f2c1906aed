import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostContents } from "../infra/contents.ts";
import type { Merged } from "../infra/hosts/contribution.ts";
import { inventoryOf } from "../infra/monitoring/inventory.ts";
import { renderRules } from "../infra/monitoring/rule-files.ts";
import { parseSite } from "../infra/site.ts";
import lab from "../stacks/lab.ts";
import { findTool, type ToolName } from "../tools/find.ts";
import { testCertificates, testLogin } from "./certificates.ts";
import { resolved } from "./mocks.ts";

const hosts = ["proj-pg01", "proj-pg02", "proj-mon01", "proj-exp01"] as const;

/** Programs that units call and that the distribution brings. */
const fromPackages = [
  "/bin/kill",
  "/usr/bin/psql",
  "/usr/bin/systemctl",
  "/usr/sbin/augenrules",
  "/usr/sbin/nft",
];

let folder: string;

/** What the lab's hosts would get, as files in a folder a host. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "delivered-"));
  const site = parseSite(lab());
  const contents = hostContents({
    site,
    runtimeBundle: "// the runtime",
    rules: await renderRules(inventoryOf(site)),
    watch: {
      bundle: "// what watches",
      proxmox: {
        endpoint: "https://node01:8006",
        watchTokenId: "lab-watch@pve!proxwatch",
        watchTokenSecret: pulumi.secret("secret"),
      },
      pbs: { endpoint: "https://pbs01:8007" },
      pbsToken: { tokenId: pulumi.output("lab-watch@pbs!proxwatch"), secret: pulumi.secret("secret") },
      keyEscrow: {},
    },
    replicationPasswords: new Map([["pg01", "secret"]]),
    backupPassphrases: new Map([["pg01", "a-secret-of-24-characters"]]),
    archiveWriters: new Map([
      ["dumps/proj-pg01", { id: pulumi.output("AKIAWRITER"), secret: pulumi.secret("secret") }],
    ]),
    smtpPassword: undefined,
    channelSecret: (key) => `secret of ${key}`,
    certificates: await testCertificates(site),
    monitoringLogin: testLogin,
    databasePasswords: new Map(),
  });
  for (const host of hosts) {
    await writeHost(host, contents.get(host));
    for (const program of fromPackages) await write(host, program, "#!/bin/sh\n", 0o755);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeHost(host: string, content: Merged | undefined): Promise<void> {
  if (!content) throw new Error(`${host} gets nothing`);
  for (const file of content.files) {
    const text = file.content === undefined ? "#!/bin/sh\n" : await resolved(pulumi.output(file.content));
    await write(host, file.path, text, Number.parseInt(file.mode, 8));
  }
  for (const unit of content.units) {
    if (unit.content !== undefined)
      await write(host, `/etc/systemd/system/${unit.name}`, unit.content, 0o644);
  }
}

async function write(host: string, path: string, text: string, mode: number): Promise<void> {
  const target = join(folder, host, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text, { mode });
}

const at = (host: string, path: string) => join(folder, host, path);

async function check(tool: ToolName | "systemd-analyze" | "nft", args: readonly string[]): Promise<string> {
  const program = tool === "systemd-analyze" || tool === "nft" ? tool : (await findTool(tool))?.path;
  if (program === undefined) throw new Error(`${tool} is not there: \`./lab test\` installs it`);
  const { exitCode, all } = await execa(program, [...args], { all: true, reject: false });
  return exitCode === 0 ? "" : `${basename(program)} ${args.join(" ")}:\n${all}`;
}

describe("what is delivered is accepted by the programs that read it", () => {
  it("Prometheus: configuration and rules", async () => {
    const rules = ["availability", "backup", "certificates"].map((area) =>
      at("proj-mon01", `/etc/prometheus/rules/${area}.yml`),
    );
    expect(await check("promtool", ["check", "rules", ...rules])).toBe("");
    // The files that the configuration names lie elsewhere here, so only its syntax is looked at.
    expect(
      await check("promtool", [
        "check",
        "config",
        "--syntax-only",
        at("proj-mon01", "/etc/prometheus/prometheus.yml"),
      ]),
    ).toBe("");
  });

  it("Alertmanager: configuration and templates", async () => {
    const config = at("proj-mon01", "/etc/alertmanager/alertmanager.yml");
    const text = await readFile(config, "utf8");
    // Where they lie here, so that they are read too.
    await write(
      "proj-mon01",
      "/alertmanager.yml",
      text.replace("/etc/alertmanager/templates", at("proj-mon01", "/etc/alertmanager/templates")),
      0o644,
    );
    expect(await check("amtool", ["check-config", at("proj-mon01", "/alertmanager.yml")])).toBe("");
  });

  it.each([
    ["proj-mon01", "/etc/prometheus/web.yml"],
    ["proj-mon01", "/etc/alertmanager/web.yml"],
    ["proj-exp01", "/etc/lab/node_exporter-web.yml"],
    ["proj-pg01", "/etc/lab/postgres_exporter-web.yml"],
  ])("exporter-toolkit: TLS and logins of %s%s", async (host, path) => {
    const text = await readFile(at(host, path), "utf8");
    // The files that it names are looked at too.
    await write(host, "/web.yml", text.replaceAll("/etc/lab/tls", at(host, "/etc/lab/tls")), 0o600);
    expect(await check("promtool", ["check", "web-config", at(host, "/web.yml")])).toBe("");
    expect(text).toContain("min_version: TLS13");
  });

  it.each(hosts)("systemd: the units of %s", async (host) => {
    // Verified against the host's own files, since the programs are there and not here.
    const args = ["verify", "--recursive-errors=no", `--root=${join(folder, host)}`, "--man=no"];
    const names = (await readdir(at(host, "/etc/systemd/system"))).filter((name) => !name.endsWith(".d"));
    const result = await check("systemd-analyze", [
      ...args,
      ...names.map((unit) => `/etc/systemd/system/${unit}`),
    ]);
    expect(result).toBe("");
  });

  it("systemd: the runtime's services may hardly do anything", async () => {
    const folder = at("proj-pg01", "/etc/systemd/system");
    const services = (await readdir(folder)).filter((name) => /^dbkeeper.*\.service$/.test(name));
    expect(services.length).toBeGreaterThan(5);
    // 0 is nothing, 10 is everything, in tenths here; what a Node program needs for its compiler and its network is 2.
    const args = ["security", "--offline=yes", "--threshold=20", "--no-pager"];
    expect(await check("systemd-analyze", [...args, ...services.map((name) => join(folder, name))])).toBe("");
  });

  it.skipIf(process.getuid?.() !== 0).each(hosts)("nft: the firewall of %s", async (host) => {
    expect(await check("nft", ["--check", "--file", at(host, "/etc/lab/firewall.nft")])).toBe("");
  });

  it("sh: the script that makes a cluster", async () => {
    for (const host of ["proj-pg01", "proj-pg02"]) {
      const { exitCode, stderr } = await execa("sh", ["-n", at(host, "/usr/local/lib/lab/postgres-init")], {
        reject: false,
      });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    }
  });
});
