import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sha256 } from "../hosts/provider/canonical.ts";
import { fileAsset, readAsset } from "./asset.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "asset-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("gives the bytes that the engine saw", () => {
  const file = join(folder, "bundle.js");
  writeFileSync(file, "one");
  expect(readAsset(fileAsset(file, sha256("one"))).toString()).toBe("one");
});

it("refuses what changed since the program ran", () => {
  const file = join(folder, "bundle.js");
  writeFileSync(file, "two");
  expect(() => readAsset(fileAsset(file, sha256("one")))).toThrow(
    `${file} has changed since the program ran: its SHA-256 was ${sha256("one")} and is ${sha256("two")} now; run the command again`,
  );
});
