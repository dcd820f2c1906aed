import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resources } from "../../resources/index.ts";
import { at, type Packed, packProvider } from "./packed.ts";

describe("the packed provider", { timeout: 60_000 }, () => {
  let packed: Packed;
  beforeAll(async () => {
    packed = await packProvider();
  }, 120_000);
  afterAll(() => packed?.remove());

  it("holds the bundle, its types, the plugin, the schema, the README and the license, and nothing else", () => {
    // What the entries share is split into parts that are named after their content.
    const names = packed.files.map(({ path }) =>
      path
        .replace(/-[A-Z0-9]{8}\.js$/, "-*.js")
        .replace(/^dist\/types\/(pbs|provider)\/.*\.d\.ts$/, "dist/types/$1/*.d.ts"),
    );
    expect([...new Set(names)].toSorted()).toEqual([
      "LICENSE",
      "README.md",
      "dist/calendar.js",
      "dist/chunk-*.js",
      "dist/index.js",
      "dist/pulumi-resource-pbs",
      "dist/schema-*.js",
      "dist/schema.json",
      "dist/types/pbs/*.d.ts",
      "dist/types/provider/*.d.ts",
      "package.json",
    ]);
  });

  it("holds what its package.json names", async () => {
    const { main, types, exports, typesVersions, bin } = JSON.parse(await packed.read("package.json"));
    const named = leavesOf({ main, types, exports, typesVersions, bin });
    expect(packed.files.map(({ path }) => `./${path}`)).toEqual(expect.arrayContaining(named));
    expect(await packed.read("LICENSE")).toBe(await readFile(at("LICENSE"), "utf8"));
  });

  it("has a plugin that is a program", async () => {
    const plugin = packed.files.find(({ path }) => path === "dist/pulumi-resource-pbs");
    expect((plugin?.mode ?? 0) & 0o111).toBe(0o111);
    expect(await packed.read("dist/pulumi-resource-pbs")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it("has the schema of every resource", async () => {
    const schema = JSON.parse(await packed.read("dist/schema.json"));
    expect(Object.keys(schema.resources).toSorted()).toEqual(resources.map(({ token }) => token).toSorted());
  });

  it("needs no package but those that it depends on, and no simulator", async () => {
    const { dependencies } = JSON.parse(await packed.read("package.json"));
    const needed = new Set<string>();
    for (const { path } of packed.files.filter(({ path }) => /\.(js|d\.ts)$|\/pulumi-resource/.test(path))) {
      const text = await packed.read(path);
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

/** Every text in a value, however deep. */
function leavesOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}
