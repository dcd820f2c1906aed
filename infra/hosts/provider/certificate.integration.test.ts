import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../../tools/find.ts";
import { serve } from "../../provider/server.ts";
import { Certificate, CertificateAuthority } from "./certificate-sdk.ts";
import { hostsProvider } from "./provider.ts";
import { Delivery } from "./sdk.ts";
import { noSshd, SshHost } from "./testing/ssh-host.ts";

const pulumi = await findTool("pulumi");
const missing = noSshd ?? (pulumi ? undefined : "needs pulumi");
if (missing) console.warn(`skipped: ${missing}`);

describe.skipIf(missing)("a delivered certificate", { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-engine-"));
  let host: SshHost;
  let stack: Stack;
  let close: () => void;
  let now = new Date();

  const program = async () => {
    const authority = new CertificateAuthority("ca1", {
      commonName: "test authority",
      permittedDnsDomains: ["radioastronomy.io"],
    });
    const { certificate, privateKey, notAfter } = new Certificate("proj-pg01", {
      authority,
      commonName: "proj-pg01",
      usages: ["server"],
      dnsNames: ["proj-pg01.radioastronomy.io"],
    });
    new Delivery("host", {
      connection: host.connection(),
      files: [
        { path: host.file("ca.pem"), content: authority.certificate },
        { path: host.file("x.pem"), content: certificate, activates: ["x.service"] },
        { path: host.file("x.key"), content: privateKey, sensitive: true, activates: ["x.service"] },
      ],
      units: [
        {
          name: "x.service",
          content: "[Service]\nExecStart=/usr/bin/x\n[Install]\nWantedBy=multi-user.target\n",
          reloadable: true,
        },
      ],
    });
    return { notAfter, privateKey };
  };

  beforeAll(async () => {
    host = new SshHost();
    await host.startSshd();
    mkdirSync(join(folder, "backend"));
    const path = [dirname(pulumi?.path ?? ""), dirname(process.execPath), process.env.PATH].join(delimiter);
    // The engine is looked for on this process's own PATH.
    process.env.PATH = path;
    const provider = await serve(hostsProvider(() => now));
    close = provider.close;
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "certificates", program },
      {
        workDir: folder,
        projectSettings: {
          name: "certificates",
          runtime: "nodejs",
          backend: { url: `file://${join(folder, "backend")}` },
        },
        envVars: {
          PATH: path,
          PULUMI_CONFIG_PASSPHRASE: "test",
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DEBUG_PROVIDERS: `hosts:${provider.port}`,
        },
      },
    );
  });
  afterAll(async () => {
    close?.();
    await host?.stopSshd();
    host?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("comes with its key, and nothing changes as long as it is not due", async () => {
    const { outputs } = await stack.up();
    expect(outputs.privateKey?.secret).toBe(true);
    expect(host.read("x.key")).toBe(outputs.privateKey?.value);
    expect(host.read("x.pem")).toContain("BEGIN CERTIFICATE");
    now = new Date(now.getTime() + 59 * 86_400_000);
    await stack.preview({ expectNoChanges: true });
    await stack.refresh({ expectNoChanges: true });
  });

  it("is announced, renewed in place, brought to the host and loaded once it is due", async () => {
    const before = { certificate: host.read("x.pem"), key: host.read("x.key"), ca: host.read("ca.pem") };
    now = new Date(now.getTime() + 2 * 86_400_000);
    const { stdout, stderr, changeSummary } = await stack.preview({ diff: true });
    expect(stdout + stderr).toMatch(
      /the certificate of proj-pg01 ends on .*, in 29 days: this update renews it/,
    );
    expect(changeSummary).toEqual({ same: 2, update: 2 });
    expect(stdout).not.toContain("PRIVATE KEY");
    host.calls();
    await stack.up();
    expect(host.calls()).toEqual(["reload x.service"]);
    expect(host.read("x.pem")).not.toBe(before.certificate);
    expect({ ...before, key: host.read("x.key"), ca: host.read("ca.pem") }).toEqual(before);
    await stack.preview({ expectNoChanges: true });
  });

  it("keeps keys out of the state", async () => {
    const state = readFileSync(join(folder, "backend/.pulumi/stacks/certificates/test.json"), "utf8");
    expect(state).toContain("BEGIN CERTIFICATE");
    expect(state).not.toContain("PRIVATE KEY");
  });
});
