import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { apiRoutes } from "./server.ts";

const file = fileURLToPath(new URL("../../../shared/proxmox-api/pve.json", import.meta.url));
const isThere = existsSync(file);
if (!isThere)
  console.warn(`the routes are not held against the product's API description: ${file} is missing`);

const properties = z.record(z.string(), z.looseObject({ optional: z.unknown().optional() }));
const description = z.record(
  z.string(),
  z.record(z.string(), z.looseObject({ parameters: z.looseObject({ properties: properties.optional() }) })),
);

describe.skipIf(!isThere)("against the product's API description", () => {
  const known = isThere ? description.parse(JSON.parse(readFileSync(file, "utf8"))) : {};
  const indexed = (name: string) => name.replace(/\d+$/, "[n]");

  test.each(apiRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
    const method = known[route.path]?.[route.method];
    expect(method, "path and method exist").toBeDefined();
    const real = method?.parameters.properties ?? {};
    const ours = Object.entries(route.params.shape);
    const unknown = ours.map(([name]) => name).filter((name) => !(name in real) && !(indexed(name) in real));
    expect(unknown, "parameters that the product does not know").toEqual([]);
    const isRequired = (schema: z.core.$ZodType) => !z.safeParse(schema, undefined).success;
    const oursRequired = ours.filter(([, schema]) => isRequired(schema)).map(([name]) => name);
    const realRequired = Object.entries(real).flatMap(([name, each]) => (each.optional ? [] : [name]));
    // A volume's storage stands in the path although the description calls it optional.
    expect(oursRequired.filter((name) => !route.path.includes(`{${name}}`)).sort()).toEqual(
      realRequired.filter((name) => !route.path.includes(`{${name}}`)).sort(),
    );
  });
});
