import fc from "fast-check";
import { expect, test } from "vitest";
import { compareVersions, isAtLeast, upstreamVersion } from "./version.ts";

const version = fc
  .array(fc.nat(40), { minLength: 1, maxLength: 4 })
  .chain((numbers) =>
    fc.constantFrom("", "-rc.1", "-rc.2", "-alpha").map((suffix) => numbers.join(".") + suffix),
  );

test("every order of versions is consistent", () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

test("a larger number anywhere decides over everything after it", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 3 }), fc.nat(40), fc.nat(40), (prefix, low, tail) => {
      const older = [...prefix, low, tail].join(".");
      const newer = [...prefix, low + 1].join(".");
      expect(compareVersions(older, newer)).toBeLessThan(0);
    }),
  );
});

test.each([
  ["1.2", "1.2.0", 0],
  ["v3.230.0", "3.230.0", 0],
  ["3.9.0", "3.10.0", -1],
  ["2.0.0-rc.1", "2.0.0", -1],
  ["1.0.0+build", "1.0.0", 0],
])("%s against %s is %i", (left, right, expected) => {
  expect(Math.sign(compareVersions(left, right))).toBe(expected);
});

test("what is no version is never new enough", () => {
  expect(isAtLeast("unknown", "0.1")).toBe(false);
});

test.each([
  ["1:4.5.1-1+deb12u2", "4.5.1"],
  ["2.42.0+ds-5+b5", "2.42.0"],
  ["15+248", "15"],
  ["252.39-1~deb12u2", "252.39"],
])("the upstream part of %s is %s", (debian, upstream) => {
  expect(upstreamVersion(debian)).toBe(upstream);
});
