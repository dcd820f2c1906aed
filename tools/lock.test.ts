import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { withLock } from "./lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-lock-"));
  return () => rm(folder, { recursive: true, force: true });
});

test("only one holder works at a time", async () => {
  let holders = 0;
  let most = 0;
  const work = async () => {
    holders += 1;
    most = Math.max(most, holders);
    await new Promise((resolve) => setImmediate(resolve));
    holders -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(join(folder, "lock"), work)));
  expect(most).toBe(1);
});

test("the lock of a process that is gone is taken over", async () => {
  const path = join(folder, "lock");
  await mkdir(path);
  // This process's id with another start time: its id has come round again.
  await writeFile(join(path, "owner"), `${process.pid} 1`);
  expect(await withLock(path, async () => "done", { timeoutSeconds: 5 })).toBe("done");
});

test("the lock of a living process is waited for, and the wait is told", async () => {
  const path = join(folder, "lock");
  const held = Promise.withResolvers<void>();
  const first = withLock(path, () => held.promise);
  await expect.poll(() => readdir(folder)).toContain("lock");
  const second = withLock(path, async () => "second", { onWait: held.resolve });
  expect(await second).toBe("second");
  await first;
});

test("waiting ends with an error that names the lock", async () => {
  const path = join(folder, "lock");
  await withLock(path, async () => {
    await expect(withLock(path, async () => {}, { timeoutSeconds: 0 })).rejects.toThrow(path);
  });
});

test("a failure frees the lock and leaves nothing behind", async () => {
  const path = join(folder, "lock");
  await expect(withLock(path, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await readdir(folder)).toEqual([]);
});
