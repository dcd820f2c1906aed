import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkInputs, parseConfig } from "./check.ts";
import { diffInputs } from "./diff.ts";
import { defineResource } from "./resource.ts";
import {
  containsUnknown,
  secret,
  unknownValue as unknown,
  unwrapSecrets,
  withoutUndefined,
} from "./values.ts";

const shelf = defineResource<
  never,
  { name: z.ZodString; slots: z.ZodDefault<z.ZodInt>; tags: z.ZodOptional<z.ZodArray<z.ZodString>> },
  object
>({
  token: "test:index:Shelf",
  inputs: z.object({
    name: z.string().regex(/^[a-z]+$/, "a name consists of lower-case letters"),
    slots: z.int().default(4),
    tags: z.array(z.string()).optional(),
  }),
  checkTogether: ({ name, slots }) =>
    name === "tiny" && slots > 1 ? [{ property: "slots", reason: "a tiny shelf has one slot" }] : [],
  replaceOn: ["name"],
  create: async () => ({ id: "x", outputs: {} }),
  read: async () => undefined,
  update: async () => ({}),
  delete: async () => {},
});

describe("checking inputs", () => {
  it("fills in defaults", () => {
    expect(checkInputs(shelf, { name: "top" })).toEqual({ inputs: { name: "top", slots: 4 }, failures: [] });
  });

  it("names every wrong property at once, with the value", () => {
    const { failures } = checkInputs(shelf, { name: "Top", slots: 1.5 });
    expect(failures).toEqual([
      { property: "name", reason: 'a name consists of lower-case letters (got "Top")' },
      { property: "slots", reason: expect.stringContaining("(got 1.5)") },
    ]);
  });

  it("refuses a property that does not exist and lists those that do", () => {
    expect(checkInputs(shelf, { name: "top", slotz: 3 }).failures).toEqual([
      { property: "slotz", reason: 'there is no property "slotz"; the properties are name, slots, tags' },
    ]);
  });

  it("refuses one that is called like something that every object has", () => {
    expect(checkInputs(shelf, { name: "top", valueOf: null }).failures).toMatchObject([
      { property: "valueOf" },
    ]);
  });

  it("lets a value pass that is not known yet", () => {
    const inputs = { name: unknown, slots: 2, tags: ["a", unknown] };
    expect(checkInputs(shelf, inputs)).toEqual({ inputs, failures: [] });
  });

  it("checks across properties only when all are known", () => {
    expect(checkInputs(shelf, { name: "tiny", slots: 2 }).failures).toHaveLength(1);
    expect(checkInputs(shelf, { name: "tiny", slots: unknown }).failures).toHaveLength(0);
  });
});

describe("comparing inputs", () => {
  it("finds additions, removals and updates and tells which replace", () => {
    expect(diffInputs(shelf, { name: "a", tags: ["x"] }, { name: "b", slots: 1 })).toEqual([
      { property: "name", kind: "update", replaces: true },
      { property: "slots", kind: "add", replaces: false },
      { property: "tags", kind: "delete", replaces: false },
    ]);
  });

  it("finds what is called like something that every object has", () => {
    expect(diffInputs(shelf, { valueOf: null }, { valueOf: null })).toEqual([]);
    expect(diffInputs(shelf, {}, { valueOf: 1 })).toEqual([
      { property: "valueOf", kind: "add", replaces: false },
    ]);
  });

  it("finds nothing between equal bags, whatever they hold", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (bag) => {
        expect(diffInputs(shelf, bag, structuredClone(bag))).toEqual([]);
      }),
    );
  });
});

describe("provider configuration", () => {
  const config = z.object({
    url: z.string(),
    insecure: z.boolean().default(false),
    ports: z.array(z.int()).optional(),
  });

  it("decodes values that the engine sends as JSON text", () => {
    expect(parseConfig(config, { url: "https://x", insecure: "true", ports: "[1,2]" })).toEqual({
      url: "https://x",
      insecure: true,
      ports: [1, 2],
    });
  });

  it("leaves a string alone that happens to be JSON", () => {
    expect(parseConfig(config, { url: "17" }).url).toBe("17");
  });

  it("refuses a setting that does not exist, but not what the engine adds", () => {
    expect(() => parseConfig(config, { url: "https://x", urk: "y" })).toThrow(
      /urk: there is no such setting/,
    );
    expect(parseConfig(config, { url: "https://x", version: "1.0.0", __internal: {} }).url).toBe("https://x");
  });

  it("names what is wrong", () => {
    expect(() => parseConfig(config, { insecure: "maybe" })).toThrow(/url: .*\n.*insecure: /);
  });
});

describe("values of the wire format", () => {
  it("unwraps secrets at any depth", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(unwrapSecrets({ deep: [secret(value)] })).toEqual({ deep: [value] });
      }),
    );
  });

  it("finds an unknown value at any depth", () => {
    expect(containsUnknown({ a: [{ b: unknown }] })).toBe(true);
    expect(containsUnknown({ a: [{ b: "known" }] })).toBe(false);
  });

  it("drops undefined properties", () => {
    expect(withoutUndefined({ a: undefined, b: [{ c: undefined, d: 1 }] })).toEqual({ b: [{ d: 1 }] });
  });
});
