import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resources } from "../resources/index.ts";

interface Packed {
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[];
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const at = (...parts: string[]) => join(root, ...parts);

/** Packing writes beside the sources, so it is done to a copy of them. */
describe("the packed provider", () => {
  let copy: string;
  let files: Packed["files"];
  const read = (path: string) => readFile(join(copy, "infra/pbs", path), "utf8");

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), "lab-pbs-pack-"));
    for (const folder of ["infra/pbs", "infra/provider"]) {
      await cp(at(folder), join(copy, folder), { recursive: true });
    }
    await cp(at("package.json"), join(copy, "package.json"));
    await symlink(at("node_modules"), join(copy, "node_modules"));
    await mkdir(join(copy, "infra/pbs/dist"), { recursive: true });
    await cp(at("package.json"), join(copy, "infra/pbs/dist/left-by-an-earlier-pack.js"));
    const { stdout } = await execa("npm", ["pack", "--dry-run", "--json", "--offline"], {
      cwd: join(copy, "infra/pbs"),
      env: {
        PATH: [at("node_modules/.bin"), process.env.PATH].join(delimiter),
        npm_config_cache: join(copy, "npm-cache"),
      },
    });
    // Scripts may print before npm does.
    const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[$/m))) as Packed[];
    files = packed?.files ?? [];
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  it("holds the bundle, the plugin, the schema, the README and the license, and nothing else", () => {
    // What the entries share is split into parts that are named after their content.
    const names = files.map(({ path }) => path.replace(/-[A-Z0-9]{8}\.js$/, "-*.js"));
    expect([...new Set(names)].toSorted()).toEqual([
      "LICENSE",
      "README.md",
      "dist/calendar.js",
      "dist/chunk-*.js",
      "dist/index.js",
      "dist/pulumi-resource-pbs.js",
      "dist/schema-*.js",
      "dist/schema.json",
      "package.json",
    ]);
  });

  it("holds what its package.json names", async () => {
    const manifest = JSON.parse(await read("package.json"));
    const named = [...Object.values(manifest.exports), ...Object.values(manifest.bin)].map(String);
    expect(files.map(({ path }) => `./${path}`)).toEqual(expect.arrayContaining(named));
    expect(await read("LICENSE")).toBe(await readFile(at("LICENSE"), "utf8"));
  });

  it("has a plugin that is a program", async () => {
    const plugin = files.find(({ path }) => path === "dist/pulumi-resource-pbs.js");
    expect((plugin?.mode ?? 0) & 0o111).toBe(0o111);
    expect(await read("dist/pulumi-resource-pbs.js")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it("has the schema of every resource", async () => {
    const schema = JSON.parse(await read("dist/schema.json"));
    expect(Object.keys(schema.resources).toSorted()).toEqual(resources.map(({ token }) => token).toSorted());
  });

  it("needs no package but those that it depends on, and no simulator", async () => {
    const { dependencies } = JSON.parse(await read("package.json"));
    const needed = new Set<string>();
    for (const { path } of files.filter(({ path }) => path.endsWith(".js"))) {
      const text = await read(path);
      expect(text, path).not.toMatch(/rehearsal|\.test\.ts/);
      for (const [, name = ""] of text.matchAll(/(?:^|[\s;}])(?:from|import)\s*\(?"([^".][^"]*)"/gm)) {
        needed.add(name);
      }
    }
    const packages = [...needed]
      .filter((name) => !name.startsWith("node:"))
      .map((name) =>
        name
          .split("/")
          .slice(0, name.startsWith("@") ? 2 : 1)
          .join("/"),
      );
    expect([...new Set(packages)].toSorted()).toEqual(Object.keys(dependencies).toSorted());
  });
});
