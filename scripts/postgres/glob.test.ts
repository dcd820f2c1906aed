import fc from "fast-check";
import { expect, test } from "vitest";
import { parseGlob } from "./glob.ts";

test.each([
  ["proj_*", ["proj_", "proj_desi", "proj_\n☄"], ["xproj_a", "Proj_a"]],
  ["db?", ["db1", "db☄"], ["db", "db12"]],
  ["db[0-9a]", ["db0", "dba"], ["dbb", "db00"]],
  ["db[!0-9]", ["dbx"], ["db5"]],
  ["db[]-]", ["db]", "db-"], ["db["]],
  ["db[z-a]", [], ["dbz", "dba", "dbm"]],
  ["open[", ["open["], ["open"]],
  ["a.b+(c)|$^{1}/", ["a.b+(c)|$^{1}/"], ["aXb"]],
  ["\\*\\[\\\\", ["*[\\"], ["x[\\"]],
  ["end\\", ["end\\"], ["end"]],
])("%s", (pattern, matching, others) => {
  const glob = parseGlob(pattern);
  for (const name of matching) expect([name, glob.matches(name)]).toEqual([name, true]);
  for (const name of others) expect([name, glob.matches(name)]).toEqual([name, false]);
});

test("any name with its special characters escaped names itself alone", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), (name, other) => {
      const glob = parseGlob(name.replaceAll(/[\\*?[\]]/g, "\\$&"));
      expect(glob.literal).toBe(true);
      expect(glob.matches(name)).toBe(true);
      expect(glob.matches(other)).toBe(other === name);
    }),
  );
});

test("any text is a glob", () => {
  const text = fc.string({ unit: fc.constantFrom(..."[]!^-\\az*?{}()☄") });
  fc.assert(fc.property(text, (pattern) => void parseGlob(pattern)));
});
