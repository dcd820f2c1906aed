import { describe, expect, it } from "vitest";
import { z } from "zod";
import { diffResource } from "./diff.ts";
import { knownBeforeUpdate } from "./messages.ts";
import { defineResource } from "./resource.ts";
import { unknownValue } from "./values.ts";

let now = 0;

const pass = defineResource<
  never,
  { holder: z.ZodString },
  { readonly number: string; readonly validUntil: number }
>({
  token: "test:index:Pass",
  inputs: z.object({ holder: z.string() }),
  replaceOn: [],
  renews: ({ outputs: { validUntil = 0 } }) => (now > validUntil ? ["number", "validUntil"] : []),
  create: async () => ({ id: "x", outputs: { number: "1", validUntil: 10 } }),
  read: async () => undefined,
  update: async () => ({ number: "2", validUntil: 20 }),
  delete: async () => {},
});

const recorded = { inputs: { holder: "a" }, outputs: { holder: "a", number: "1", validUntil: 10 } };

describe("a resource that the clock outdates", () => {
  it("has nothing to update before its time, and what it is stays known", () => {
    now = 10;
    expect(diffResource(pass, recorded, recorded.inputs)).toEqual([]);
    expect(knownBeforeUpdate(pass, recorded, { holder: "b" })).toEqual({ number: "1", validUntil: 10 });
  });

  it("is updated in place after it, and what is made anew is not known yet", () => {
    now = 11;
    expect(diffResource(pass, recorded, recorded.inputs)).toEqual([
      { property: "number", kind: "update", replaces: false, ofOutput: true },
      { property: "validUntil", kind: "update", replaces: false, ofOutput: true },
    ]);
    expect(knownBeforeUpdate(pass, recorded, recorded.inputs)).toEqual({
      number: unknownValue,
      validUntil: unknownValue,
    });
  });
});
