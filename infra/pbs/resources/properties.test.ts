import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import { tuningCodec } from "./datastore.ts";
import {
  coerce,
  defaultsOf,
  parsePropertyString,
  printPropertyString,
  toCamel,
  toKebab,
} from "./properties.ts";

const camel = fc.stringMatching(/^[a-z]+([A-Z][a-z]+){0,3}$/);

it("names go to the server and come back", () => {
  expect(toKebab("gcAtimeSafetyCheck")).toBe("gc-atime-safety-check");
  expect(toKebab("userid")).toBe("userid");
  fc.assert(fc.property(camel, (name) => toCamel(toKebab(name)) === name));
});

it("property strings come back, whatever their values hold", () => {
  const parts = fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,8}$/), fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(parts, (given) => {
      expect(parsePropertyString(printPropertyString(given))).toEqual({ ...given });
    }),
  );
});

it("a part without a name has the default one", () => {
  expect(parsePropertyString('read-only,message="until noon, at least"', "type")).toEqual({
    type: "read-only",
    message: "until noon, at least",
  });
  expect(parsePropertyString("type=offline", "type")).toEqual({ type: "offline" });
});

it("tuning is the same in any order and as text or numbers", () => {
  const value = { chunkOrder: "none", gcAtimeCutoff: 1500, gcAtimeSafetyCheck: false, syncLevel: "file" };
  const text = tuningCodec.toServer(value);
  expect(text).toBe("chunk-order=none,gc-atime-cutoff=1500,gc-atime-safety-check=false,sync-level=file");
  expect(tuningCodec.fromServer(text)).toEqual(value);
  expect(
    tuningCodec.fromServer("sync-level=file,gc-atime-safety-check=0,gc-atime-cutoff=1500,chunk-order=none"),
  ).toEqual(value);
});

it("a tuning option of a newer server shows as it is", () => {
  expect(tuningCodec.fromServer("warp-speed=9")).toEqual({ warpSpeed: "9" });
});

it("values are read in the type of the schema, and left alone when they fit in no way", () => {
  expect(coerce(z.int().optional(), "3")).toBe(3);
  expect(coerce(z.boolean(), 1)).toBe(true);
  expect(coerce(z.boolean(), "0")).toBe(false);
  expect(coerce(z.string(), 12)).toBe("12");
  expect(coerce(z.int().min(1), "many")).toBe("many");
});

it("defaults are those that the schema fills in", () => {
  expect(defaultsOf({ a: z.int().default(7), b: z.string(), c: z.string().optional() })).toEqual({ a: 7 });
});
