import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bundle, buildRuntime, bundleRuntime } from "./bundle.ts";

const execute = promisify(execFile);
let bundle: Bundle;
let folder: string;
let file: string;

beforeAll(async () => {
  bundle = await bundleRuntime();
  folder = await mkdtemp(join(tmpdir(), "dbkeeper-bundle-"));
  file = join(folder, "dbkeeper.mjs");
  await writeFile(file, bundle.code);
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
  expect(await buildRuntime()).toBe(bundle.code);
  expect(await buildRuntime()).toBe(bundle.code);
});

test("the bundle knows nothing of the machine it was made on", () => {
  expect(bundle.code).not.toContain(process.cwd());
});
