import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, expect, test } from "vitest";
import type { Tool, ToolName } from "./catalogue.ts";
import { type FakeMachine, fakeMachine, fakeTool, installFakeApt } from "./fake-machine.ts";
import { ensureTools, findTool } from "./find.ts";
import { builtPath } from "./go-build.ts";

const go = {
  module: "pulumi",
  package: "example.org/alpha",
  version: "2.5.0",
  ldflags: "-s",
  coldBuildSeconds: 1,
};
const fakeGo =
  'if [ "$1" = version ]; then echo "go version go1.99.1 linux"; exit 0; fi\necho "go $*" >>"$JOURNAL"\n';
const buildsIt = `${fakeGo}while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\n' >"$2"; chmod +x "$2"`;

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const ensure = async (machine: FakeMachine, name: string) =>
  (await ensureTools([name as ToolName], machine.context)).get(name as ToolName);
const find = (machine: FakeMachine, name: string) => findTool(name as ToolName, machine.context);

test("a sufficient version on PATH is taken as it is", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go, debianPackage: "alpha" })]);
  const path = await machine.installTool("alpha", "2.1.0");
  expect(await ensure(machine, "alpha")).toEqual({ path, version: "2.1.0", source: "path" });
  expect(await machine.journal()).toEqual([]);
});

test("looking for a tool installs nothing", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go, debianPackage: "alpha" })]);
  await installFakeApt(machine, { alpha: "2.0-1" });
  expect(await find(machine, "alpha")).toBeUndefined();
  expect(await machine.journal()).toEqual([]);
});

test("a package in a version that will do comes before a build", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go, debianPackage: "alpha-package" })]);
  await machine.install("go", buildsIt);
  await installFakeApt(
    machine,
    { "alpha-package": "1:2.3.0-1" },
    `printf '#!/bin/sh\\necho alpha version 2.3.0\\n' >"$BIN/alpha"; chmod +x "$BIN/alpha"`,
  );
  expect(await ensure(machine, "alpha")).toMatchObject({ version: "2.3.0", source: "debian" });
  expect((await machine.journal()).filter((line) => line.startsWith("apt-get install"))).toEqual([
    "apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 alpha-package",
  ]);
});

test("several packages are installed by one command", async () => {
  const machine = await fakeMachine([
    fakeTool("alpha", { debianPackage: "a" }),
    fakeTool("beta", { debianPackage: "b" }),
  ]);
  const write = (name: string) =>
    `printf '#!/bin/sh\\necho version 2.0\\n' >"$BIN/${name}"; chmod +x "$BIN/${name}"`;
  await installFakeApt(machine, { a: "2.0-1", b: "2.0-1" }, `${write("alpha")}\n${write("beta")}`);
  await ensureTools(["alpha", "beta"] as string[] as ToolName[], machine.context);
  expect((await machine.journal()).filter((line) => line.includes(" install "))).toHaveLength(1);
});

test("a package that is too old is passed over for a build", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go, debianPackage: "alpha" })]);
  await machine.install("go", buildsIt);
  await installFakeApt(machine, { alpha: "1.9.0-1" });
  expect(await ensure(machine, "alpha")).toMatchObject({ version: "2.5.0", source: "built" });
});

test("what was built once is found in the cache", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go })]);
  await machine.install("go", buildsIt);
  const built = await ensure(machine, "alpha");
  expect(built?.path).toBe(await builtPath(fakeTool("alpha"), go, machine.context));
  expect(await ensure(machine, "alpha")).toEqual({ ...built, source: "cache" });
  expect(await machine.journal()).toHaveLength(1);
});

test("two checkouts that build at once build once", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go })]);
  await machine.install("go", buildsIt);
  await Promise.all([ensure(machine, "alpha"), ensure(machine, "alpha")]);
  expect(await machine.journal()).toHaveLength(1);
});

test("a script does not do for guests, whatever version it tells", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go, runsOnGuests: true })]);
  await machine.installTool("alpha", "9.0");
  await machine.install("go", buildsIt);
  expect(await ensure(machine, "alpha")).toMatchObject({ source: "built" });
});

test("the vendor's archive is taken when its checksum is the published one", async () => {
  const { machine, tool } = await machineWithVendor((checksum) => checksum);
  expect(await ensure(machine, tool.name)).toMatchObject({ version: "2.7.0", source: "vendor" });
  expect(await find(machine, tool.name)).toMatchObject({ source: "cache" });
});

test("an archive with another checksum is refused, and the next way taken", async () => {
  const { machine, tool } = await machineWithVendor((checksum) =>
    checksum.replace(/^./, (c) => (c === "0" ? "1" : "0")),
  );
  await machine.install("go", buildsIt);
  expect(await ensure(machine, tool.name)).toMatchObject({ version: "2.5.0", source: "built" });
});

test("a failure names what was tried, the last output and the next step", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go, vendor: vendorAt("https://vendor.example") })]);
  const old = await machine.installTool("alpha", "1.4.0");
  await machine.install("go", `${fakeGo}echo "dial tcp: lookup proxy: no such host" >&2; exit 1`);
  const failure = await ensure(machine, "alpha").catch((error: unknown) => error);
  expect(failure).toMatchObject({
    message: expect.stringContaining("The tests need alpha."),
    hint: expect.stringContaining("GOPROXY"),
    exitCode: 69,
  });
  const { message } = failure as Error;
  expect(message).toContain(`${old}: it is 1.4.0, 2.0 is needed: 1.x is too old for the tests`);
  expect(message).toContain("vendor.example does not answer");
  expect(message).toContain("no such host");
});

test("progress tells the tool, the step and the seconds", async () => {
  const machine = await fakeMachine([fakeTool("alpha", { go })]);
  await machine.install("go", buildsIt);
  const steps: string[] = [];
  await ensureTools(["alpha" as ToolName], {
    ...machine.context,
    onProgress: ({ tool, step, elapsedSeconds }) => {
      expect(elapsedSeconds).toBeGreaterThanOrEqual(0);
      steps.push(`${tool}: ${step}`);
    },
  });
  expect(steps).toEqual([expect.stringMatching(/^alpha: building 2\.5\.0/), "alpha: ready"]);
});

function vendorAt(base: string) {
  return {
    bundle: "alpha-release",
    version: "2.7.0",
    archiveUrl: (architecture: string) => `${base}/alpha-${architecture}.tar.gz`,
    checksumsUrl: `${base}/sums.txt`,
  };
}

async function machineWithVendor(publish: (checksum: string) => string) {
  const machine = await fakeMachine([]);
  const content = join(machine.folder, "content", "alpha-2.7.0");
  await mkdir(content, { recursive: true });
  await writeFile(join(content, "alpha"), "#!/bin/sh\n", { mode: 0o755 });
  const archive = join(machine.folder, "alpha.tar.gz");
  await execa("tar", ["-czf", archive, "-C", dirname(content), "alpha-2.7.0"]);
  const bytes = await readFile(archive);
  const sums = `${publish(createHash("sha256").update(bytes).digest("hex"))}  alpha-x64.tar.gz\n`;
  const server = createServer((request, response) =>
    response.end(request.url === "/sums.txt" ? sums : bytes),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const tool: Tool = fakeTool("alpha", { go, vendor: vendorAt(`http://127.0.0.1:${port}`) });
  machine.context.catalogue = { alpha: tool };
  machine.context.reachable = async () => true;
  return { machine, tool };
}
