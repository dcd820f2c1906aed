import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { awsProvider } from "./aws/provider.ts";
import { grafanaProvider } from "./grafana/provider.ts";
import { proxmoxveProvider } from "./proxmoxve/provider.ts";

const require = createRequire(import.meta.url);
const packages = [
  { provider: awsProvider, module: "@pulumi/aws" },
  { provider: proxmoxveProvider, module: "@muhlba91/pulumi-proxmoxve" },
  { provider: grafanaProvider, module: "@pulumiverse/grafana" },
] as const;

/** The declared properties of an interface with the text of their types. */
type Members = ReadonlyMap<string, string>;

describe.each(packages)("the stand-in for $module", ({ provider, module }) => {
  const folder = dirname(require.resolve(`${module}/package.json`));
  const inputTypes = interfaces(join(folder, "types", "input.d.ts"));

  const types = provider.resources.map(({ token, inputs }): [string, z.ZodObject] => [token, inputs]);
  it.each(types)("accepts for %s only what the package declares", (token, inputs) => {
    const [, path = "", name = ""] = token.split(":");
    const file = path.startsWith("index/") ? path.slice("index/".length) : path;
    const args = interfaces(join(folder, `${file}.d.ts`)).get(`${name}Args`);
    expect(args, `${name}Args in ${file}.d.ts`).toBeDefined();
    expect(undeclared(inputs, args ?? new Map(), inputTypes)).toEqual([]);
  });

  it("accepts only settings that the package declares", () => {
    const args = interfaces(join(folder, "provider.d.ts")).get("ProviderArgs") ?? new Map<string, string>();
    // The engine adds the version by itself.
    const settings = z.object(provider.config.shape).omit({ version: true });
    expect(undeclared(settings, args, inputTypes)).toEqual([]);
  });
});

it("finds what is not declared, at any depth", () => {
  const members = new Map([["rules", "pulumi.Input<pulumi.Input<inputs.s3.Rule>[]>"]]);
  const types = new Map([["s3.Rule", new Map([["id", "string"]])]]);
  const schema = z.object({
    rules: z.array(z.object({ id: z.string(), idd: z.string() })),
    rule: z.string(),
  });
  expect(undeclared(schema, members, types)).toEqual(["rules.idd", "rule"]);
});

/** Paths of the properties that a schema accepts and the declarations do not have. */
function undeclared(
  schema: z.ZodType,
  members: Members,
  types: ReadonlyMap<string, Members>,
  path = "",
): string[] {
  const object = objectOf(schema);
  if (object === undefined) return [];
  return Object.entries(object.shape as Record<string, z.ZodType>).flatMap(([name, inner]) => {
    const type = members.get(name);
    if (type === undefined) return [path + name];
    const referred = /inputs\.([\w.]+)/.exec(type)?.[1];
    const declared = referred === undefined ? undefined : types.get(referred);
    return declared === undefined ? [] : undeclared(inner, declared, types, `${path}${name}.`);
  });
}

/** The object inside optional, default, array and transformed types; undefined where there is none. */
function objectOf(schema: z.ZodType): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return objectOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodArray) return objectOf(schema.element as z.ZodType);
  if (schema instanceof z.ZodPipe) return objectOf(schema.in as z.ZodType);
  return undefined;
}

/** The interfaces of a declaration file, those in namespaces by their dotted name. */
function interfaces(path: string): ReadonlyMap<string, Members> {
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest);
  const found = new Map<string, Members>();
  const visit = (node: ts.Node, prefix: string): void => {
    if (ts.isInterfaceDeclaration(node)) {
      const properties = node.members.filter(ts.isPropertySignature);
      const entries = properties.map((each): [string, string] => [
        each.name.getText(source),
        each.type?.getText(source) ?? "",
      ]);
      found.set(prefix + node.name.text, new Map(entries));
    } else if (ts.isModuleDeclaration(node) && node.body) {
      ts.forEachChild(node.body, (child) => visit(child, `${prefix}${node.name.text}.`));
    }
  };
  ts.forEachChild(source, (node) => visit(node, ""));
  return found;
}
