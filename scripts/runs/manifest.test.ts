import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import {
  isValidated,
  levels,
  manifestFile,
  mergeValidation,
  readManifest,
  writeManifest,
} from "./manifest.ts";
import { seal } from "./seal.ts";

test("only a complete run that was restored and compared is validated", () => {
  const passed = validationFor("restore", "passed", ["desi"]);
  const databases = [entryFor("desi")];
  expect(isValidated(manifestFor({ databases, validation: passed }))).toBe(true);
  expect(isValidated(manifestFor({ databases }))).toBe(false);
  expect(
    isValidated(manifestFor({ databases, validation: validationFor("decode", "passed", ["desi"]) })),
  ).toBe(false);
  expect(
    isValidated(manifestFor({ databases, validation: validationFor("restore", "failed", ["desi"]) })),
  ).toBe(false);
  const failed = [{ name: "other", reason: "locked" }];
  expect(isValidated(manifestFor({ databases, validation: passed, failed }))).toBe(false);
});

test.each(levels)("a failure at level %s replaces any earlier pass", (level) => {
  const failure = validationFor(level, "failed", []);
  expect(mergeValidation(validationFor("restore", "passed", []), failure)).toBe(failure);
});

test("a pass replaces what was known only from the same level upwards", () => {
  const restored = validationFor("restore", "passed", []);
  const refused = validationFor("decode", "failed", []);
  expect(mergeValidation(restored, validationFor("checksum", "passed", []))).toBe(restored);
  expect(mergeValidation(refused, validationFor("checksum", "passed", []))).toBe(refused);
  expect(mergeValidation(refused, restored)).toBe(restored);
});

test("a manifest of the first format is read as one of today", async () => {
  const folder = await mkdtemp(join(tmpdir(), "manifest-"));
  try {
    const { files, extensions: _, ...entry } = entryFor("desi");
    const { rolePasswords: __, encryption: ___, ...manifest } = manifestFor({});
    const old = { ...manifest, formatVersion: 1, databases: [{ ...entry, ...files[0] }] };
    await writeFile(join(folder, manifestFile), JSON.stringify(old));
    expect(await readManifest(folder)).toEqual(manifestFor({ databases: [entryFor("desi")] }));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each(["../up", "/etc/passwd", "a/../../b", "."])(
  "a file %s outside the run's folder is refused",
  async (file) => {
    const folder = await mkdtemp(join(tmpdir(), "manifest-"));
    try {
      const manifest = manifestFor({ globals: { file, sizeBytes: 1, sha256: "0".repeat(64) } });
      await writeFile(join(folder, manifestFile), seal(JSON.stringify(manifest, null, 1)));
      await expect(readManifest(folder)).rejects.toThrow(/globals\.file: lies outside the run's folder/);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test("a run whose rows were not counted proves nothing, however well it was restored", () => {
  const databases = [{ ...entryFor("desi"), content: null }];
  const validation = validationFor("restore", "passed", ["desi"]);
  expect(isValidated(manifestFor({ databases, validation }))).toBe(false);
});

test("a manifest in which one digit was changed is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "manifest-"));
  try {
    await writeManifest(folder, manifestFor({ databases: [entryFor("desi")] }));
    const path = join(folder, manifestFile);
    expect(await readManifest(folder)).toEqual(manifestFor({ databases: [entryFor("desi")] }));
    await writeFile(path, (await readFile(path, "utf8")).replace("1.5", "2.5"));
    await expect(readManifest(folder)).rejects.toThrow(/manifest\.json: it is cut short, or was changed/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
