import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { extentsOf, overheadBytes, planObjects, readRange } from "./layout.ts";
import { tarHeader } from "./tar.ts";

const mebibyte = 1024 ** 2;
const sha256 = "0".repeat(64);
const filesOfSizes = (sizes: readonly number[]) =>
  sizes.map((sizeBytes, index) => ({ file: `${index}.dump`, sizeBytes, sha256 }));
const sizes = fc.array(
  fc.oneof(
    fc.nat({ max: 3000 }),
    fc.nat({ max: 5 * mebibyte }),
    fc.integer({ min: 3 * mebibyte, max: 200 * mebibyte }),
  ),
  { maxLength: 60, minLength: 1 },
);

test("what Glacier bills for objects is under 1 % of the files, or there is only one object", () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 50, max: 300 }), (given, largestMebibytes) => {
      const objects = planObjects(filesOfSizes(given), largestMebibytes * mebibyte);
      const bytes = given.reduce((sum, size) => sum + size, 0);
      expect(objects.length === 1 || objects.length * overheadBytes < bytes / 100).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("every byte of every file is in exactly one object, under a name of its own", () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 50, max: 300 }), (given, largestMebibytes) => {
      const files = filesOfSizes(given);
      const objects = planObjects(files, largestMebibytes * mebibyte);
      expect(new Set(objects.map(({ name }) => name)).size).toBe(objects.length);
      const extents = objects.flatMap(extentsOf);
      for (const { file, sizeBytes } of files) {
        let next = 0;
        for (const { offset, lengthBytes } of extents.filter((extent) => extent.file === file)) {
          expect(offset).toBe(next);
          next += lengthBytes;
        }
        expect(next).toBe(sizeBytes);
      }
      for (const { segments, sizeBytes } of objects) {
        let end = 0;
        for (const { at, lengthBytes } of segments) {
          expect(at).toBe(end);
          end += lengthBytes;
        }
        expect(end).toBe(sizeBytes);
      }
    }),
    { numRuns: 300 },
  );
});

test("tar unpacks a packed object, whatever the files are called, and any range of it can be read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "layout-"));
  try {
    const names = ["globals.sql", `${"long".repeat(40)}.dump`, "directory/leere Räume ★.dat", "empty"];
    await mkdir(join(folder, "run", "directory"), { recursive: true });
    await mkdir(join(folder, "out"));
    const files = names.map((file, index) => ({
      file,
      sizeBytes: index === 3 ? 0 : 500 + index * 12,
      sha256,
    }));
    for (const { file, sizeBytes } of files)
      await writeFile(join(folder, "run", file), "x".repeat(sizeBytes));
    const [object] = planObjects(files, 50 * mebibyte);
    if (object === undefined) throw new Error("there is no object");
    const whole = await readRange(object, join(folder, "run"), 0, object.sizeBytes);
    for (const [start, end] of [
      [0, 1],
      [511, 1025],
      [700, object.sizeBytes],
    ] as const) {
      expect(
        (await readRange(object, join(folder, "run"), start, end)).equals(whole.subarray(start, end)),
      ).toBe(true);
    }
    execFileSync("tar", ["-x", "-C", join(folder, "out")], { input: whole });
    for (const { file, sizeBytes } of files) {
      expect(await readFile(join(folder, "out", file), "utf8")).toBe("x".repeat(sizeBytes));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a size that plain tar cannot hold is written beside it", () => {
  const sizeBytes = 9 * 1024 ** 3;
  // It ends with an error, as the content is missing.
  const { stdout } = spawnSync("tar", ["-t", "-v"], { input: tarHeader("big", sizeBytes) });
  expect(stdout.toString()).toContain(String(sizeBytes));
});
