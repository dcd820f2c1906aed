import { chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acquireLock } from "./lock.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dbkeeper-lock-"));
  path = join(folder, "lock");
});

afterEach(() => rm(folder, { recursive: true }));

test("the second taker is told who holds it; released, it can be taken again", async () => {
  const lock = await acquireLock(path, "dump");
  await expect(acquireLock(path, "run")).rejects.toMatchObject({ kind: "busy", message: /"dump" works/ });
  await lock.release();
  await (await acquireLock(path, "run")).release();
  expect(await readdir(folder)).toEqual([]);
});

test("one that is held for a moment only is waited for, another is not", async () => {
  const { signal } = new AbortController();
  const patience = { commands: ["check"], seconds: 10, signal };
  const check = await acquireLock(path, "check");
  const waiting = acquireLock(path, "backup", patience);
  await expect(acquireLock(path, "backup", { ...patience, seconds: 0 })).rejects.toMatchObject({
    kind: "busy",
  });
  await check.release();
  const backup = await waiting;
  await expect(acquireLock(path, "drill", patience)).rejects.toMatchObject({
    kind: "busy",
    command: "backup",
  });
  await backup.release();
});

test("who waits for a lock can be ended", async () => {
  const controller = new AbortController();
  const lock = await acquireLock(path, "check");
  const waiting = acquireLock(path, "backup", {
    commands: ["check"],
    seconds: 60,
    signal: controller.signal,
  });
  controller.abort(new Error("ended"));
  await expect(waiting).rejects.toThrow("ended");
  await lock.release();
});

test.each(["pid", "startTimeTicks", "bootId"])(
  "a lock whose %s is not of a living process is taken over",
  async (key) => {
    await acquireLock(path, "dump");
    const holder: Record<string, unknown> = JSON.parse(await readFile(path, "utf8"));
    const other = key === "bootId" ? "another boot" : key === "pid" ? 2 ** 22 + 1 : 1;
    await writeFile(path, JSON.stringify({ ...holder, [key]: other }));
    const lock = await acquireLock(path, "run");
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  },
);

test("a lock that cannot be read is stale", async () => {
  await writeFile(path, "");
  await (await acquireLock(path, "run")).release();
});

test("what a killed taker has left beside the lock is removed, what a living one has there is not", async () => {
  const name = (pid: number) => `.lock.${pid}.0123abcd.tmp`;
  for (const pid of [2 ** 22 + 1, process.pid]) await writeFile(join(folder, name(pid)), "");
  await (await acquireLock(path, "run")).release();
  expect(await readdir(folder)).toEqual([name(process.pid)]);
});

test("of many takers at once exactly one gets a stale lock", async () => {
  await writeFile(path, "stale");
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(path, "run")));
  expect(takers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test.skipIf(process.geteuid?.() !== 0)("what root takes can be read by the folder's owner", async () => {
  await chown(folder, 65_534, 65_534);
  const lock = await acquireLock(path, "restore");
  expect(await stat(path)).toMatchObject({ uid: 65_534, gid: 65_534 });
  await lock.release();
});
