import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { showLog } from "./log-file.ts";

let folder: string;
let written: string;
const stream = { write: (text: string) => (written += text) };

beforeEach(async () => {
  written = "";
  folder = await mkdtemp(join(tmpdir(), "lab-logs-"));
  await writeFile(join(folder, "pve.log"), "one\ntwo\nthree\n");
  return () => rm(folder, { recursive: true, force: true });
});

test.each([
  [2, "two\nthree\n"],
  [0, ""],
  [50, "one\ntwo\nthree\n"],
])("shows the last %i lines", async (lines, expected) => {
  await showLog("pve", { lines, follow: false, folder, stream });
  expect(written).toBe(expected);
});

test("finds the last lines of a log larger than one block", async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
  await writeFile(join(folder, "s3.log"), lines.join("\n"));
  await showLog("s3", { lines: 12_000, follow: false, folder, stream });
  expect(written.split("\n")).toEqual(lines.slice(-12_000));
});

test("an unknown service is answered with those that have logs", async () => {
  await expect(showLog("pbs", { lines: 1, follow: false, folder, stream })).rejects.toMatchObject({
    message: 'no log of a service named "pbs"',
    hint: expect.stringContaining("pve"),
  });
});

test("following shows what is added, also after the file was emptied", async () => {
  const stop = new AbortController();
  const following = showLog("pve", { lines: 1, follow: true, folder, stream, signal: stop.signal });
  await expect.poll(() => written).toBe("three\n");
  await appendFile(join(folder, "pve.log"), "four\n");
  await expect.poll(() => written, { timeout: 5000 }).toBe("three\nfour\n");
  await truncate(join(folder, "pve.log"));
  await appendFile(join(folder, "pve.log"), "new\n");
  await expect.poll(() => written, { timeout: 5000 }).toContain("new\n");
  stop.abort();
  await following;
});
