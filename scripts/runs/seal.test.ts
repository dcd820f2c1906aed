import fc from "fast-check";
import { expect, test } from "vitest";
import { seal, unseal } from "./seal.ts";

const text = JSON.stringify({ cluster: "größe ☄", databases: [{ rows: 1 }] }, null, 1);

test("what was sealed comes back, and is JSON with and without its seal", () => {
  const sealed = seal(`${text}\n`);
  expect(unseal(Buffer.from(sealed))).toBe(text);
  expect(JSON.parse(sealed)).toMatchObject({ cluster: "größe ☄", sha256: expect.any(String) });
});

test("no byte can change, go or be added", () => {
  const sealed = Buffer.from(seal(text));
  const position = fc.nat(sealed.length - 1);
  fc.assert(
    fc.property(position, fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ mask;
      expect(() => unseal(changed)).toThrow(/sha256/);
      expect(() => unseal(sealed.subarray(0, at))).toThrow(/sha256/);
      expect(() => unseal(Buffer.concat([sealed, Buffer.of(mask)]))).toThrow(/sha256/);
    }),
  );
});
