import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { functions } from "../functions/index.ts";
import { resources } from "../resources/index.ts";
import { defaultsOf } from "../resources/properties.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const rows = new Map(
  readme.split("\n").flatMap((line) => {
    const name = /^\| `([A-Za-z0-9]+)` +\|/.exec(line)?.[1];
    return name === undefined ? [] : [[name, line.split(/(?<!\\)\|/)] as const];
  }),
);
const nameOf = (token: string) => token.split(":").at(-1) ?? token;

describe("the README", () => {
  it.each(resources.map((resource) => [nameOf(resource.token), resource] as const))(
    "has a row that tells what %s is",
    (name, resource) => {
      const [, , properties = "", id = "", privileges = ""] = rows.get(name) ?? [];
      const shape = resource.inputs.shape as unknown as Record<string, z.ZodType>;
      for (const [property, type] of Object.entries(shape)) {
        const told = new RegExp(`(\\*\\*)?\`${property}\`(\\*\\*)?(\\\\\\*)?`).exec(properties);
        expect(told, `${property} is told`).not.toBeNull();
        expect(told?.[1] !== undefined, `${property} is bold where it replaces`).toBe(
          resource.replaceOn.includes(property),
        );
        if (!type.safeParse(undefined).success) expect(told?.[3], `${property} has a star`).toBeDefined();
        for (const part of partsOf(type)) expect(properties, property).toContain(`\`${part}\``);
      }
      for (const [property, value] of Object.entries(defaultsOf(shape))) {
        const text = typeof value === "string" ? `\`${value}\`` : String(value);
        expect(properties).toContain(`\`${property}\`=${text}`);
      }
      for (const output of Object.keys(resource.outputs?.shape ?? {})) {
        expect(properties).toMatch(new RegExp(`Outputs? .*\`${output}\``));
      }
      expect([id.trim(), privileges.trim()]).not.toContain("");
    },
  );

  it("has rows for nothing that there is not", () => {
    const known = [...resources, ...functions].map(({ token }) => nameOf(token));
    const told = [...rows.keys()].filter((name) => /^[A-Z]|^get|^prune/.test(name));
    expect(told.toSorted()).toEqual(known.toSorted());
  });
});

/** The properties of an object that is a property. */
function partsOf(type: z.ZodType): string[] {
  const inner = type instanceof z.ZodOptional ? type.unwrap() : type;
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
