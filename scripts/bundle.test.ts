import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildRuntime, bundleRuntime } from "./bundle.ts";

const execute = promisify(execFile);
let bundle: string;
let folder: string;
let file: string;

beforeAll(async () => {
  const kept = await bundleRuntime();
  bundle = await readFile(kept, "utf8");
  folder = await mkdtemp(join(tmpdir(), "dbkeeper-bundle-"));
  file = join(folder, "dbkeeper.mjs");
  await copyFile(kept, file);
}, 30_000);

afterAll(() => rm(folder, { recursive: true }));

test("the bundle runs alone and explains its exit codes", async () => {
  const { stdout } = await execute(process.execPath, [file, "--help"], { cwd: folder, env: {} });
  expect(stdout).toMatch(/validate/);
  expect(stdout).toMatch(/4 {2}another command works on this cluster/);
});

test("a missing configuration is a usage error on one JSON line", async () => {
  const run = execute(process.execPath, [file, "status", "--config", join(folder, "none.json")], { env: {} });
  const failure: unknown = await run.catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 2 });
  const { stdout } = failure as { stdout: string };
  expect(JSON.parse(stdout)).toMatchObject({ level: "error", event: "failed", kind: "usage", exitCode: 2 });
});

test("the same sources give the same bytes", async () => {
  expect(await buildRuntime()).toBe(bundle);
  expect(await buildRuntime()).toBe(bundle);
});

test("the bundle knows nothing of the machine it was made on", () => {
  expect(bundle).not.toContain(process.cwd());
});
