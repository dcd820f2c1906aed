import { expect, test } from "vitest";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { isValidated, levels, mergeValidation } from "./manifest.ts";

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
