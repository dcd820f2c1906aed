import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readJson, writeFileAtomic, writeJson } from "./files.ts";
import { waitFor } from "./wait.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-files-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("an atomic write replaces content and mode and leaves no temporary file", async () => {
  const path = join(folder, "deep/state.json");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, "two", { mode: 0o600 });
  expect(await readFile(path, "utf8")).toBe("two");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, "deep"))).toEqual(["state.json"]);
});

test("JSON comes back as it was written; a missing file is undefined; a broken one is named", async () => {
  const path = join(folder, "a.json");
  await writeJson(path, { a: [1, "two"] });
  expect(await readJson(path)).toEqual({ a: [1, "two"] });
  expect(await readJson(join(folder, "none.json"))).toBeUndefined();
  await writeFile(path, "{");
  await expect(readJson(path)).rejects.toThrow(/a\.json is not valid JSON/);
});

test("waiting ends with the value, or with what was waited for and the last reason", async () => {
  let looks = 0;
  expect(await waitFor(() => (++looks < 3 ? 0 : 42), { what: "x", timeoutSeconds: 5, intervalMs: 1 })).toBe(
    42,
  );
  const refuse = () => {
    throw new Error("connection refused");
  };
  await expect(waitFor(refuse, { what: "the port", timeoutSeconds: 0.05, intervalMs: 5 })).rejects.toThrow(
    "waited 0.05 s for the port: connection refused",
  );
});
