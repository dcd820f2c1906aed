import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tarball } from "./ustar.ts";

const name = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9é_-]{1,12}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("/"))
  .filter((text) => Buffer.byteLength(text) <= 100);
const entry = fc.record({
  name,
  data: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
});

const list = (archive: Buffer) =>
  execFileSync("tar", ["--list", "--file", "-", "--quoting-style=literal"], { input: archive })
    .toString()
    .split("\n")
    .filter(Boolean);

describe("the tar writer", () => {
  it("writes what tar lists and extracts byte for byte", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ({ name }) => name, minLength: 1, maxLength: 8 }),
        (entries) => {
          const archive = Buffer.concat([...tarball(entries)]);
          expect(list(archive)).toEqual(entries.map(({ name }) => name));
          const contents = execFileSync("tar", ["--extract", "--to-stdout", "--file", "-"], {
            input: archive,
          });
          expect(contents).toEqual(Buffer.concat(entries.map(({ data }) => data)));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("is cut short visibly: tar refuses an archive that ends within a file", () => {
    const archive = Buffer.concat([...tarball([{ name: "a", data: Buffer.alloc(5000, 1) }])]);
    expect(() => execFileSync("tar", ["-t"], { input: archive.subarray(0, 2000), stdio: "pipe" })).toThrow();
  });

  it.each(["", "/etc/passwd", "x".repeat(101), "é".repeat(51)])("refuses the name %j", (wrong) => {
    expect(() => [...tarball([{ name: wrong, data: Buffer.alloc(0) }])]).toThrow(/has 1 to 100 bytes/);
  });
});
