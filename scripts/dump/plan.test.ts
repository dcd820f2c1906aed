import { zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { entryFor } from "../testing/manifests.ts";
import { type FormatChoice, planDumps } from "./plan.ts";
import { checkArchiveHead } from "./stages.ts";

const gibibyte = 1024 ** 3;

const plan = (sizes: Record<string, number | null>, choice: Partial<FormatChoice> = {}) => {
  const databases = Object.entries(sizes).map(([name, bytes]) => ({
    name,
    bytes,
    isTemplate: false,
    allowsConnections: true,
    isInvalid: false,
    locale: entryFor(name).locale,
  }));
  const given: FormatChoice = { format: "auto", jobs: 4, clientMajor: 17, encrypted: false, ...choice };
  return planDumps(databases, given).map(({ database, format, jobs }) => [database.name, format, jobs]);
};

test("only a database that is more than its share of the work is split", () => {
  expect(plan({ small: 1, big: 8 * gibibyte, middle: gibibyte })).toEqual([
    ["big", "directory", 4],
    ["middle", "custom", 1],
    ["small", "custom", 1],
  ]);
  expect(
    plan({ a: gibibyte, b: gibibyte, c: gibibyte, d: gibibyte }).every(([, format]) => format === "custom"),
  ).toBe(true);
  expect(plan({ only: 1_000_000 })).toEqual([["only", "custom", 1]]);
});

test("a database is never split by itself where that would be slower, or would leave plain files", () => {
  expect(plan({ big: gibibyte }, { clientMajor: 15 })).toEqual([["big", "custom+zstd", 1]]);
  expect(plan({ big: gibibyte }, { encrypted: true })).toEqual([["big", "custom", 1]]);
  expect(plan({ big: gibibyte }, { jobs: 1 })).toEqual([["big", "custom", 1]]);
  expect(() => plan({ big: gibibyte }, { format: "directory", encrypted: true })).toThrow("in plain");
});

test("the site's own choice is taken, and an unseen size is no obstacle", () => {
  expect(plan({ a: null, b: 5 }, { format: "directory", clientMajor: 15 })).toEqual([
    ["b", "directory", 4],
    ["a", "directory", 4],
  ]);
  expect(plan({ big: 8 * gibibyte }, { format: "custom" })).toEqual([["big", "custom", 1]]);
});

test.each([
  ["custom", 0, "", 0],
  ["custom", 0, "SQL text", 900],
  ["custom+zstd", 0, "(\xb5/\xfd\x24\x00\x01\x00\x00\x99\xe9\xd8Q", 13],
  ["custom", 1, "age-encryption.org/v1", 216],
] as const)("no archive: %s for %i recipients, %j", async (format, recipients, head, sizeBytes) => {
  const look = checkArchiveHead(Buffer.from(head, "latin1"), sizeBytes, { format, recipients });
  await expect(look).rejects.toThrow("no archive");
});

test("of an archive that is small only when compressed, no more is read than its beginning", async () => {
  const head = zstdCompressSync(Buffer.concat([Buffer.from("PGDMP"), Buffer.alloc(64 * 1024 ** 2)]));
  const before = process.memoryUsage().arrayBuffers;
  await checkArchiveHead(head, head.length, { format: "custom+zstd", recipients: 0 });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 ** 2);
});
