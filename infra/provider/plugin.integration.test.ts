import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";

const plugin = fileURLToPath(new URL("../pbs/pulumi-resource-pbs", import.meta.url));
const run = (args: readonly string[]) => execa(plugin, args, { reject: false, timeout: 30_000 });

describe("a plugin that is started by hand", { timeout: 60_000 }, () => {
  it("says what it is for, and which version it is", async () => {
    const help = await run(["--help"]);
    expect(help.stdout).toMatch(
      /^pulumi-resource-pbs is a plugin of Pulumi, which starts it: run `pulumi up`\.\n/,
    );
    expect(help.exitCode).toBe(0);
    expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("serves, and says how an engine comes to use it", async () => {
    const running = execa(plugin, [], { reject: false, timeout: 30_000 });
    let told = "";
    for await (const line of running.iterable({ from: "stderr" })) {
      told = line;
      running.kill();
    }
    const { stdout } = await running;
    expect(told).toMatch(/^Provider pbs \S+ serves on port \d+ until it is interrupted\. /);
    expect(told).toContain(`PULUMI_DEBUG_PROVIDERS=pbs:${stdout};`);
  });
});

describe("a plugin that is interrupted, as an engine ends it", { timeout: 60_000 }, () => {
  it("keeps what it compiled, for the next to start sooner", async () => {
    const folder = await mkdtemp(join(tmpdir(), "compiled-"));
    try {
      const running = execa(plugin, [], { env: { NODE_COMPILE_CACHE: folder }, timeout: 30_000 });
      for await (const _ of running.iterable({ from: "stderr" })) running.kill("SIGINT");
      await running;
      expect(await readdir(folder, { recursive: true })).toContainEqual(expect.stringMatching(/\//));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a plugin that an engine starts", { timeout: 60_000 }, () => {
  it("works for it as long as it is there, whatever flags it passes on", async () => {
    const engine = createServer((socket) => socket.end());
    const asked = new Promise((resolve) => engine.once("connection", resolve));
    await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
    const bound = engine.address();
    const address = `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
    const flags = ["-logtostderr", "-v=9", "-tracing", "http://127.0.0.1:1/spans"];
    const running = execa(plugin, [...flags, address], { reject: false, timeout: 30_000 });
    await asked;
    await new Promise((resolve) => engine.close(resolve));
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+$/);
  });
});
