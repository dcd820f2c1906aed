import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../../../tools/find.ts";
import { adminToken, openWorld, type World } from "../world.ts";
import { at, type Packed, packProvider } from "./packed.ts";

const tools = await Promise.all([findTool("pulumi"), findTool("pulumi-language-nodejs")]);
const hasEngine = tools.every((tool) => tool !== undefined);
if (!hasEngine) console.warn("skipped: the pulumi engine was not found; `./lab up` installs it");

const name = "@astronomy-lab/pulumi-pbs";
const linked = ["@grpc/grpc-js", "@pulumi/pulumi", "@types/node", "google-protobuf", "typescript", "zod"];

/** The same in every program: what is there is read, what is not is planned. */
const body = `
const config = new pulumi.Config();
const provider = new pbs.Provider("server", {
  url: config.require("url"),
  tokenId: config.require("tokenId"),
  tokenSecret: config.requireSecret("tokenSecret"),
  fingerprint: config.require("fingerprint"),
});
const vms = new pbs.Datastore("vms", { name: "vms", path: "/mnt/vms", gcSchedule: "sat 03:00" }, { provider });
new pbs.PruneJob("nightly", { jobId: "nightly", store: vms.name, schedule: "02:30", keepDaily: 7 }, { provider });
const there = pbs.getDatastoreStatusOutput({ store: "there" }, { provider });
`;
const imports = `import * as pulumi from "@pulumi/pulumi";\nimport * as pbs from "${name}";\n`;
const typescript = `${imports}import { parseCalendarEvent } from "${name}/calendar";
${body}
export const snapshots: pulumi.Output<number> = there.apply(({ counts }) => counts?.vm?.snapshots ?? 0);
export const understood: boolean = parseCalendarEvent("sat 03:00").ok;
`;
/** Where types were not found, everything would be allowed. */
const checked = `${typescript}
// @ts-expect-error a schedule is no number
new pbs.PruneJob("wrong", { jobId: "wrong", store: vms.name, schedule: 3 }, { provider });
`;

/** Every example of the README, as one program. */
async function examples(): Promise<string> {
  const readme = await packed.read("README.md");
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  return [...blocks, "declare const offsite: pbs.Provider;\n"].join("\n");
}

let packed: Packed;

describe("the packed provider in a project of somebody else", { timeout: 120_000 }, () => {
  let world: World;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-pbs-install-"));
    [world, packed] = await Promise.all([openWorld(), packProvider()]);
    await world.client.post("/config/datastore", { name: "there", path: "/mnt/there" });
    await world.simulator.tasks.idle();
  }, 120_000);
  afterAll(async () => {
    await packed?.remove();
    await world?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** An empty project with the tarball in its modules, and what the package depends on beside it. */
  async function project(kind: string, files: Readonly<Record<string, string>>): Promise<string> {
    const root = join(folder, kind);
    const modules = join(root, "node_modules");
    await mkdir(join(modules, name), { recursive: true });
    await execa("tar", ["-xzf", packed.tarball, "-C", join(modules, name), "--strip-components=1"]);
    for (const dependency of linked) {
      await mkdir(dirname(join(modules, dependency)), { recursive: true });
      await symlink(at("node_modules", dependency), join(modules, dependency));
    }
    await mkdir(join(modules, ".bin"));
    await symlink(`../${name}/dist/pulumi-resource-pbs`, join(modules, ".bin/pulumi-resource-pbs"));
    for (const [file, text] of Object.entries(files)) await writeFile(join(root, file), text);
    return root;
  }

  const compile = (root: string, options: readonly string[]) =>
    execa(
      process.execPath,
      [
        join(root, "node_modules/typescript/bin/tsc"),
        ...["--noEmit", "--strict", "--target", "es2022", "--types", "node", ...options, "index.ts"],
      ],
      { cwd: root, reject: false },
    );

  async function preview(root: string, path: readonly string[] = []) {
    const backend = join(root, "backend");
    await mkdir(backend);
    const environment = {
      PATH: [...path, ...tools.map((tool) => dirname(tool?.path ?? "")), process.env.PATH].join(delimiter),
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "a test",
      PULUMI_HOME: join(root, "home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
    const pulumi = (args: readonly string[], input = "") =>
      execa(tools[0]?.path ?? "", ["--non-interactive", ...args], { cwd: root, env: environment, input });
    await pulumi(["stack", "init", "test"]);
    const plain = { url: world.url, tokenId: adminToken, fingerprint: world.fingerprint };
    const settings = Object.entries(plain).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    await pulumi(["config", "set-all", ...settings]);
    await pulumi(["config", "set", "--secret", "tokenSecret"], world.adminSecret);
    return JSON.parse((await pulumi(["preview", "--json"])).stdout);
  }

  const manifest = (kind: string, more = "") => ({
    "Pulumi.yaml": `name: somebody\nruntime: nodejs\nmain: ${kind}\n${more}`,
  });

  it("has types that a program can be checked against, and that are right in themselves", async () => {
    const root = await project("types", {
      "package.json": '{ "type": "module" }',
      "index.ts": checked,
      "readme.ts": await examples(),
    });
    expect((await compile(root, ["--module", "nodenext", "readme.ts"])).stdout).toBe("");
    // As `pulumi new typescript` has modules resolved.
    const old = ["--module", "commonjs", "--moduleResolution", "node10", "--ignoreDeprecations", "6.0"];
    expect((await compile(root, [...old, "--skipLibCheck"])).stdout).toBe("");
  });

  it.skipIf(!hasEngine)("is previewed from TypeScript, with the plugin that Pulumi.yaml names", async () => {
    const root = await project("typescript", {
      ...manifest(
        "index.ts",
        `plugins:\n  providers:\n    - name: pbs\n      path: node_modules/${name}/dist\n`,
      ),
      "package.json": JSON.stringify({ name: "somebody" }),
      "index.ts": typescript,
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          ...{ strict: true, target: "es2022", module: "commonjs", moduleResolution: "node" },
          ...{ ignoreDeprecations: "6.0", types: ["node"], outDir: "bin" },
        },
        files: ["index.ts"],
      }),
    });
    const { changeSummary } = await preview(root);
    expect(changeSummary).toEqual({ create: 4 });
    expect(world.calls.some(({ path }) => path === "/admin/datastore/{store}/status")).toBe(true);
  });

  it.skipIf(!hasEngine)("is previewed from JavaScript, with the plugin that npm links", async () => {
    const root = await project("javascript", {
      ...manifest("index.js"),
      "package.json": JSON.stringify({ name: "somebody", type: "module" }),
      "index.js": `${imports}${body}export const total = there.total;\n`,
    });
    world.calls.length = 0;
    const { changeSummary } = await preview(root, [join(root, "node_modules/.bin")]);
    expect(changeSummary).toEqual({ create: 4 });
    expect(world.calls.some(({ path }) => path === "/admin/datastore/{store}/status")).toBe(true);
  });
});
