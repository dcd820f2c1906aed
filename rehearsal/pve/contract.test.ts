import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type Described, propertyOf, readApiDescription } from "../lib/api-description.ts";
import { refusedTexts } from "../lib/refused-texts.ts";
import { apiRoutes } from "./server.ts";
import { startTestCluster } from "./testing.ts";

const known = readApiDescription("pve");

describe.skipIf(known === undefined)("against the product's API description", () => {
  test.each(apiRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
    const method = known?.[route.path]?.[route.method];
    expect(method, "path and method exist").toBeDefined();
    if (method === undefined) return;
    const ours = Object.entries(route.params.shape);
    const unknown = ours
      .map(([name]) => name)
      .filter((name) => propertyOf(method.parameters, name) === undefined);
    expect(unknown, "parameters that the product does not know").toEqual([]);
    const isRequired = (schema: z.core.$ZodType) => !z.safeParse(schema, undefined).success;
    const oursRequired = ours.filter(([, schema]) => isRequired(schema)).map(([name]) => name);
    const realRequired = Object.entries(method.parameters.properties ?? {}).flatMap(([name, each]) =>
      each.optional ? [] : [name],
    );
    // A volume's storage stands in the path although the description calls it optional.
    expect(oursRequired.filter((name) => !route.path.includes(`{${name}}`)).sort()).toEqual(
      realRequired.filter((name) => !route.path.includes(`{${name}}`)).sort(),
    );
    const wrong = ours.flatMap(([name, schema]) =>
      differences(name, propertyOf(method.parameters, name) ?? {}, schema),
    );
    expect(wrong, "parameters of another type").toEqual([]);
  });
});

/** Where our schema takes what the product refuses, or the other way round. */
function differences(name: string, real: Described, schema: z.core.$ZodType): string[] {
  const takes = (value: unknown) => z.safeParse(schema, value).success;
  const should = (value: unknown, isRight: boolean) =>
    takes(value) === isRight ? [] : [`${name}: ${JSON.stringify(value)} is ${isRight ? "refused" : "taken"}`];
  if (real.enum !== undefined) {
    // Not everything that the product has is simulated; what is not is refused.
    const taken = real.enum.filter(takes);
    return [...(taken.length === 0 ? [`${name}: no word is taken`] : []), ...should("no-such-word", false)];
  }
  switch (real.type) {
    case "boolean":
      return [...should("1", true), ...should(false, true), ...should("maybe", false)];
    case "integer": {
      const { minimum, maximum } = real;
      return [
        ...should("one", false),
        ...(minimum === undefined ? [] : should(Number(minimum) - 1, false)),
        ...(minimum === undefined ? [] : should(String(minimum), true)),
        ...(maximum === undefined ? [] : should(Number(maximum) + 1, false)),
      ];
    }
    case "string":
      // Of options that are numbered, all are alike.
      if (/[1-9]\d*$/.test(name)) return [];
      return [
        ...refusedTexts(real).flatMap((text) => should(text, false)),
        ...(real.maxLength === undefined ? [] : should("a".repeat(Number(real.maxLength) + 1), false)),
      ];
    default:
      return [];
  }
}

test.skipIf(known === undefined)(
  "an answer that is not as described fails the test that got it",
  async () => {
    const version = apiRoutes.find(({ path }) => path === "/version");
    if (version === undefined) throw new Error("no route gives the version");
    const handle = vi
      .spyOn(version, "handle")
      .mockResolvedValue({ version: {}, repoid: "0", console: "vt100" });
    const cluster = await startTestCluster();
    await cluster.client.ok("GET", "/version");
    handle.mockRestore();
    const error: unknown = await cluster.close().catch((reason: unknown) => reason);
    const problems = ["data.release is missing", "data.version is {} instead of string"];
    expect(String(error)).toContain(problems.map((each) => `GET /version: ${each}`).join("\n"));
    expect(String(error)).toContain("data.console");
  },
);
