import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../../tools/find.ts";
import { pbs } from "../provider.ts";

const found = await findTool("pulumi");
if (!found) console.warn("skipped: the pulumi engine was not found; `./lab up` installs it");

interface Property {
  readonly type?: string;
  readonly $ref?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly secret?: boolean;
  readonly willReplaceOnChanges?: boolean;
}
type Bag = Readonly<Record<string, Property>>;
interface Schema {
  readonly name: string;
  readonly version: string;
  readonly config: { readonly variables: Bag };
  readonly provider: { readonly inputProperties: Bag; readonly requiredInputs: readonly string[] };
  readonly resources: Readonly<
    Record<
      string,
      {
        readonly description?: string;
        readonly properties: Bag;
        readonly required: readonly string[];
        readonly inputProperties: Bag;
        readonly requiredInputs: readonly string[];
      }
    >
  >;
  readonly functions: Readonly<
    Record<
      string,
      {
        readonly description?: string;
        readonly inputs: { properties: Bag };
        readonly outputs: { properties: Bag };
      }
    >
  >;
  readonly types: Readonly<
    Record<string, { readonly enum?: readonly { value: string }[]; properties?: Bag }>
  >;
}

describe.skipIf(!found)("the package's schema, as the Pulumi command line gets it", () => {
  let schema: Schema;
  let folder: string;
  const pulumi = (...args: string[]) =>
    execa(found?.path ?? "", args, {
      env: { PULUMI_HOME: join(folder, "home"), PULUMI_SKIP_UPDATE_CHECK: "true" },
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-pbs-schema-"));
    const plugin = fileURLToPath(new URL("../pulumi-resource-pbs", import.meta.url));
    const { stdout } = await pulumi("package", "get-schema", plugin);
    await writeFile(join(folder, "schema.json"), stdout);
    schema = JSON.parse(stdout);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("binds without an error or a warning", async () => {
    const { stdout, stderr } = await pulumi("schema", "check", join(folder, "schema.json"));
    expect(`${stdout}${stderr}`).toBe("");
  });

  it("has every resource and function of the provider, described", () => {
    expect(Object.keys(schema.resources).toSorted()).toEqual(
      pbs.resources.map(({ token }) => token).toSorted(),
    );
    expect(Object.keys(schema.functions).toSorted()).toEqual(
      (pbs.functions ?? []).map(({ token }) => token).toSorted(),
    );
    for (const [token, { description }] of [
      ...Object.entries(schema.resources),
      ...Object.entries(schema.functions),
    ]) {
      expect(description, `${token} has no doc comment on its schema`).toBeTruthy();
    }
  });

  it("takes descriptions from doc comments, a property's own before its type's", () => {
    const properties = schema.resources["pbs:index:VerifyJob"]?.inputProperties;
    expect(properties?.schedule?.description).toBe("Without one the job runs only when started by hand.");
    expect(properties?.maxDepth?.description).toMatch(/^How many levels of namespaces below/);
  });

  it("describes every property", () => {
    const bags = [
      ["the provider", schema.provider.inputProperties],
      ...Object.entries(schema.resources).map(([token, { inputProperties }]) => [token, inputProperties]),
      ...Object.entries(schema.resources).map(([token, { properties }]) => [token, properties]),
      ...Object.entries(schema.functions).map(([token, { inputs }]) => [token, inputs.properties]),
      ...Object.entries(schema.functions).map(([token, { outputs }]) => [token, outputs.properties]),
    ] as [string, Bag][];
    const bare = bags.flatMap(([owner, bag]) =>
      Object.entries(bag).flatMap(([name, { description }]) => (description ? [] : [`${owner} ${name}`])),
    );
    expect(bare, "give these a doc comment").toEqual([]);
  });

  it("tells what is required, what has a default, and what replaces", () => {
    const datastore = schema.resources["pbs:index:Datastore"];
    expect(datastore?.requiredInputs).toEqual(["name", "path"]);
    expect(datastore?.inputProperties).toMatchObject({
      name: { type: "string", willReplaceOnChanges: true },
      verifyNew: { type: "boolean", default: false },
      tuning: { $ref: "#/types/pbs:index:DatastoreTuning" },
    });
    expect(datastore?.inputProperties.verifyNew).not.toHaveProperty("willReplaceOnChanges");
    expect(datastore?.required).toContain("verifyNew");
    expect(datastore?.properties.verifyNew).not.toHaveProperty("default");
  });

  it("names nested types and enumerations", () => {
    expect(schema.types["pbs:index:DatastoreTuning"]?.properties?.gcAtimeCutoff).toMatchObject({
      type: "integer",
      description: expect.stringContaining("Minutes"),
    });
    expect(schema.types["pbs:index:AclRoleId"]?.enum).toContainEqual({ value: "DatastoreBackup" });
  });

  it("marks secrets", () => {
    expect(schema.provider.inputProperties.tokenSecret?.secret).toBe(true);
    expect(schema.provider.inputProperties.url?.secret).toBeUndefined();
    expect(schema.resources["pbs:index:User"]?.inputProperties.password?.secret).toBe(true);
    expect(schema.resources["pbs:index:ApiToken"]?.properties.value?.secret).toBe(true);
  });

  it("has what functions return", () => {
    expect(schema.functions["pbs:index:getSnapshots"]?.outputs.properties).toHaveProperty("snapshots");
    expect(schema.functions["pbs:index:pruneDryRun"]?.inputs.properties.keepLast).toMatchObject({
      type: "integer",
    });
  });
});
