import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeEach, expect, test } from "vitest";

/** A checkout with a space in its name, a fake npm that writes down what it is asked, and a PATH of its own. */
let base: string;
let checkout: string;
let bin: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "lab-bootstrap-"));
  checkout = join(base, "a checkout");
  bin = join(base, "bin");
  await mkdir(join(checkout, "cli"), { recursive: true });
  await mkdir(bin);
  await copyFile(join(import.meta.dirname, "..", "lab"), join(checkout, "lab"));
  await writeFile(join(checkout, "package-lock.json"), "{}\n");
  await writeFile(join(checkout, "cli", "main.ts"), "console.log(JSON.stringify(process.argv.slice(2)));\n");
  return () => rm(base, { recursive: true, force: true });
});

const script = async (name: string, text: string) => {
  await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
  await chmod(join(bin, name), 0o755);
};

const calls = async () =>
  (await readFile(join(base, "npm-calls"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

const fakeNpm = (then = ":") =>
  script(
    "npm",
    `[ "$1" = --version ] && exit 0\necho "$*" >>'${base}/npm-calls'\n[ "$1" = ci ] && mkdir -p node_modules\n${then}`,
  );

const useNode = () => symlink(process.execPath, join(bin, "node"));

const lab = (args: string[] = [], file = join(checkout, "lab")) =>
  execa(file, args, { env: { PATH: `${bin}:/usr/bin:/bin` }, extendEnv: false, cwd: base, reject: false });

test("installs the packages once, says so in one line, and passes the arguments on", async () => {
  await fakeNpm();
  await useNode();
  const first = await lab(["up", "a b", "--x=$HOME"]);
  expect(first.stdout).toBe('["up","a b","--x=$HOME"]');
  expect(first.stderr).toBe("lab: installing the npm packages of package-lock.json");
  const second = await lab();
  expect(second.stderr).toBe("");
  expect(await calls()).toHaveLength(1);
});

test("installs them again when the lock file has changed", async () => {
  await fakeNpm();
  await useNode();
  await lab();
  await writeFile(join(checkout, "package-lock.json"), '{"changed": true}\n');
  await lab();
  expect(await calls()).toHaveLength(2);
});

test("runs through a symbolic link", async () => {
  await fakeNpm();
  await useNode();
  await symlink("a checkout/lab", join(base, "link"));
  expect((await lab(["up"], join(base, "link"))).stdout).toBe('["up"]');
});

test("two at the same time install once, and nobody's lock is left", async () => {
  await fakeNpm("sleep 0.3");
  await useNode();
  const both = await Promise.all([lab(), lab()]);
  expect(both.map((result) => result.exitCode)).toEqual([0, 0]);
  expect(await calls()).toHaveLength(1);
  expect(await readdir(join(checkout, ".lab"))).not.toContain("bootstrap.lock");
});

test("the lock of a killed one is taken over", async () => {
  await fakeNpm();
  await useNode();
  const gone = await execa("/bin/sh", ["-c", "echo $$"]);
  await mkdir(join(checkout, ".lab", "bootstrap.lock"), { recursive: true });
  await writeFile(join(checkout, ".lab", "bootstrap.lock", "pid"), gone.stdout);
  expect((await lab()).exitCode).toBe(0);
});

test("a failing npm shows its output, keeps it, and is tried again next time", async () => {
  await fakeNpm("echo 'ECONNREFUSED registry'; exit 1");
  await useNode();
  const failed = await lab();
  expect(failed.exitCode).toBe(70);
  expect(failed.stderr).toContain("ECONNREFUSED registry");
  expect(await readFile(join(checkout, ".lab", "npm-ci.log"), "utf8")).toContain("ECONNREFUSED");
  await fakeNpm();
  expect((await lab()).exitCode).toBe(0);
});

test("fetches Node from npm where the system's is too old", async () => {
  await script("node", "echo v20.1.0");
  await fakeNpm(
    `if [ "$1" = install ]; then folder="$3/node_modules/\${6%@*}/bin"; mkdir -p "$folder"; ln -s '${process.execPath}' "$folder/node"; fi`,
  );
  const result = await lab(["up"]);
  expect(await calls()).toEqual([
    expect.stringMatching(/^install --prefix .*\.lab\/node .*node-(linux|darwin)-\w+@24\./),
    expect.stringMatching(/^ci /),
  ]);
  expect(result.stderr).toContain("the system has v20.1.0");
});

test("without npm the error says what to install", async () => {
  await script("node", "exit 127");
  await script("npm", "exit 127");
  const result = await lab();
  expect(result.exitCode).toBe(69);
  expect(result.stderr).toContain("no working npm is on PATH");
});
