import fc from "fast-check";
import { expect, test } from "vitest";
import { databaseOption, fileNameOf, quoteIdentifier, quoteLiteral } from "./quote.ts";

const names = fc
  .string({ minLength: 1, maxLength: 63, unit: "grapheme" })
  .filter((name) => !name.includes("\0"));

test("identifiers double their quotes", () => {
  expect(quoteIdentifier('a"b')).toBe('"a""b"');
  expect(quoteIdentifier("-rf größe")).toBe('"-rf größe"');
});

test("literals double their quotes and escape backslashes whatever the server's setting", () => {
  expect(quoteLiteral("it's")).toBe("'it''s'");
  expect(quoteLiteral("a\\'b")).toBe(" E'a\\\\''b'");
});

test("a database is never read as an option or a connection string", () => {
  expect(databaseOption("-rf")).toBe("--dbname=dbname='-rf'");
  expect(databaseOption("host=evil")).toBe("--dbname=dbname='host=evil'");
  expect(databaseOption("a'b\\")).toBe("--dbname=dbname='a\\'b\\\\'");
});

test("a NUL is refused everywhere", () => {
  for (const quote of [quoteIdentifier, quoteLiteral, databaseOption]) {
    expect(() => quote("a\0b")).toThrow(/NUL/);
  }
});

test("different databases have different files, none of which leaves its folder or is hidden", () => {
  fc.assert(
    fc.property(names, names, (one, other) => {
      const file = fileNameOf(one, "dump");
      expect(file).toMatch(/^[A-Za-z0-9_%][A-Za-z0-9_.%-]*\.dump$/);
      expect(decodeURIComponent(file)).toBe(`${one}.dump`);
      if (one !== other) expect(file).not.toBe(fileNameOf(other, "dump"));
    }),
  );
});
