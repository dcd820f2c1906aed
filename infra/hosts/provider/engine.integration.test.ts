import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { asset } from "@pulumi/pulumi";
import { LocalWorkspace, type OutputMap, type Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../../tools/find.ts";
import { Delivery, Password, SshKey } from "./sdk.ts";
import { noSshd, SshHost } from "./testing/ssh-host.ts";

const pulumi = await findTool("pulumi");
const missing = noSshd ?? (pulumi ? undefined : "needs pulumi");

describe.skipIf(missing)("the real engine", { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-engine-"));
  let host: SshHost;
  let stack: Stack;
  let version = "1";
  let bundle = join(folder, "bundle.js");

  const program = async () => {
    const password = new Password("db", { lengthCharacters: 40 });
    const key = new SshKey("deploy", { comment: "deploy@lab" });
    const delivery = new Delivery("host", {
      connection: host.connection(),
      files: [
        { path: host.file("plain.conf"), content: `version ${version}\n`, activates: ["x.service"] },
        { path: host.file("steady.conf"), content: "steady\n" },
        { path: host.file("bundle.js"), asset: new asset.FileAsset(bundle) },
        { path: host.file("db.env"), content: password.value, sensitive: true },
        { path: host.file("key.pub"), content: key.publicKey },
      ],
      units: [
        {
          name: "x.service",
          content: "[Service]\nExecStart=/usr/bin/x\n[Install]\nWantedBy=multi-user.target\n",
          reloadable: true,
        },
      ],
    });
    return {
      hash: delivery.contentHash,
      installed: delivery.installed,
      password: password.value,
      privateKey: key.privateKey,
    };
  };

  beforeAll(async () => {
    host = new SshHost();
    await host.startSshd();
    mkdirSync(join(folder, "backend"));
    writeFileSync(bundle, "// the bundle\n");
    const path = [dirname(pulumi?.path ?? ""), dirname(process.execPath), process.env.PATH].join(delimiter);
    // The engine is looked for on this process's own PATH.
    process.env.PATH = path;
    // The SDK's type does not know plugins, the engine does.
    const projectSettings = {
      name: "delivery",
      runtime: "nodejs" as const,
      backend: { url: `file://${join(folder, "backend")}` },
      plugins: { providers: [{ name: "hosts", path: import.meta.dirname }] },
    };
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "delivery", program },
      {
        workDir: folder,
        projectSettings,
        envVars: { PATH: path, PULUMI_CONFIG_PASSPHRASE: "test", PULUMI_SKIP_UPDATE_CHECK: "true" },
      },
    );
  });
  afterAll(async () => {
    await host?.stopSshd();
    host?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const value = (outputs: OutputMap, name: string) => outputs[name]?.value;

  it("delivers, then has nothing to do", async () => {
    const { outputs } = await stack.up();
    expect(host.read("plain.conf")).toBe("version 1\n");
    expect(host.read("bundle.js")).toBe("// the bundle\n");
    expect(host.read("db.env")).toBe(value(outputs, "password"));
    expect(outputs.password?.secret).toBe(true);
    expect(outputs.privateKey?.secret).toBe(true);
    expect(outputs.hash?.value).toMatch(/^[0-9a-f]{64}$/);
    await stack.preview({ expectNoChanges: true });
    await stack.refresh({ expectNoChanges: true });
  });

  it("shows the one file that changes, and no secret", async () => {
    version = "2";
    const { stdout } = await stack.preview({ diff: true });
    expect(stdout).toContain("version 2");
    expect(stdout).not.toContain("steady\n");
    expect(stdout).not.toContain(host.read("db.env"));
    expect(stdout).not.toContain("PRIVATE KEY");
    host.calls();
    expect(host.read("plain.conf")).toBe("version 1\n");
    await stack.up();
    expect(host.calls()).toEqual(["reload x.service"]);
  });

  it("finds by refresh what was changed on the host, and mends it", async () => {
    writeFileSync(host.file("plain.conf"), "edited\n");
    rmSync(host.file("steady.conf"));
    await expect(stack.refresh({ expectNoChanges: true })).rejects.toThrow();
    const { stdout } = await stack.preview({ diff: true });
    expect(stdout).toContain("<changed on the host: sha256");
    expect(stdout).toContain("steady.conf");
    await stack.up();
    expect([host.read("plain.conf"), host.read("steady.conf")]).toEqual(["version 2\n", "steady\n"]);
    await stack.refresh({ expectNoChanges: true });
  });

  it("records of an asset only where it lies and its digest", async () => {
    expect(JSON.stringify(await stack.exportStack())).not.toContain("// the bundle");
  });

  it("delivers an asset anew for another content, not for another place", async () => {
    bundle = join(folder, "moved.js");
    writeFileSync(bundle, "// the bundle\n");
    await stack.preview({ expectNoChanges: true });
    writeFileSync(bundle, "// the next bundle\n");
    await stack.up();
    expect(host.read("bundle.js")).toBe("// the next bundle\n");
  });

  it("mends an asset that was changed on the host", async () => {
    writeFileSync(host.file("bundle.js"), "// of somebody else\n");
    await stack.refresh();
    await stack.up();
    expect(host.read("bundle.js")).toBe("// the next bundle\n");
    await stack.refresh({ expectNoChanges: true });
  });

  it("keeps secrets out of the state", async () => {
    const state = readFileSync(join(folder, "backend/.pulumi/stacks/delivery/test.json"), "utf8");
    expect(state).toContain("steady\\n");
    expect(state).not.toContain(host.read("db.env"));
    expect(state).not.toContain("PRIVATE KEY");
  });

  it("leaves nothing behind", async () => {
    await stack.destroy();
    expect(() => host.read("plain.conf")).toThrow();
    expect(host.unitState("x.service")).toMatchObject({ enabled: false, state: "inactive" });
  });
});
