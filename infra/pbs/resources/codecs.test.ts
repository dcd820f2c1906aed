import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { base64Text, namedSecrets, namedValues, objectCodec } from "./codecs.ts";
import { byteSize, dailyDuration, fingerprint } from "./values.ts";

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/);
const values = fc.dictionary(name, fc.string({ minLength: 1, unit: "grapheme" }));

describe("what is written comes back", () => {
  it("texts in base64", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(base64Text.fromServer(base64Text.toServer(text))).toBe(text);
      }),
    );
  });

  it("values by name", () => {
    fc.assert(
      fc.property(values, (given) => {
        expect(namedValues.fromServer(namedValues.toServer(given))).toEqual({ ...given });
      }),
    );
  });

  it("secrets by name, from what was recorded, since the server shows the names alone", () => {
    fc.assert(
      fc.property(values, (given) => {
        const shown = (namedSecrets.toServer(given) as string[]).map((text) => text.replace(/,value=.*/, ""));
        expect(namedSecrets.fromServer(shown, given)).toEqual({ ...given });
        expect(Object.keys(namedSecrets.fromServer(shown) as object).toSorted()).toEqual(
          Object.keys(given).toSorted(),
        );
      }),
    );
  });

  it("objects in one text, or as the objects that some versions of the server show", () => {
    const type = z.strictObject({
      plainText: z.string().optional(),
      someNumber: z.int().optional(),
      isOn: z.boolean().optional(),
    });
    const codec = objectCodec(type);
    const object = fc.record(
      { plainText: fc.string({ minLength: 1 }), someNumber: fc.nat(), isOn: fc.boolean() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(object, (given) => {
        expect(codec.fromServer(codec.toServer(given))).toEqual({ ...given });
      }),
    );
    expect(codec.fromServer({ "some-number": 3, "is-on": 1 })).toEqual({ someNumber: 3, isOn: true });
  });
});

it("a secret whose value nobody knows is kept at the server", () => {
  expect(namedSecrets.toServer({ key: "" })).toEqual(["name=key"]);
});

describe("amounts of data", () => {
  it.each([
    ["10mib", "10 MiB"],
    ["10M", "10 MB"],
    ["1.5 gb", "1.5 GB"],
    ["512", "512 B"],
    ["2.0 KiB", "2 KiB"],
    ["1.23456 TiB", "1.235 TiB"],
  ])("%s is what the server writes as %s", (given, written) => {
    expect(byteSize.parse(given)).toBe(written);
  });

  it("are written in one way only", () => {
    const amount = fc.tuple(
      fc.double({ min: 0, max: 1e6, noNaN: true }).map((number) => number.toFixed(4)),
      fc.constantFrom("", " "),
      fc.constantFrom("", "b", "K", "kib", "MB", "Mi", "GiB", "t", "PB"),
    );
    fc.assert(
      fc.property(amount, (parts) => {
        const once = byteSize.parse(parts.join(""));
        expect(byteSize.parse(once)).toBe(once);
      }),
    );
  });
});

it("fingerprints are equal in capital and small letters", () => {
  const text = Array.from({ length: 32 }, () => "AB").join(":");
  expect(fingerprint.parse(text)).toBe(fingerprint.parse(text.toLowerCase()));
});

it.each(["8-17", "mon..fri 8:00-17:30", "sat,sun 0-23:59", "wed 12-12"])("%s is a part of a day", (text) => {
  expect(dailyDuration.safeParse(text).success).toBe(true);
});
