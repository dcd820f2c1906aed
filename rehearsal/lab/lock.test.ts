import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTimeOf } from "../lib/process.ts";
import { BusyError, withLock } from "./lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

const lockFile = () => join(folder, "lock.json");

it("names the command that works on the lab, and says what to do", async () => {
  const second = withLock(folder, "up", () => withLock(folder, "down", async () => "both at once"));
  const error: unknown = await second.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BusyError);
  expect(error).toMatchObject({
    message: `\`lab up\` (pid ${process.pid}) is working on this lab`,
    hint: "wait until it has ended, or end it",
    exitCode: 75,
  });
});

it("is given back when the work is done, and when it failed", async () => {
  await withLock(folder, "up", async () => {});
  await expect(withLock(folder, "up", () => Promise.reject(new Error("no disk")))).rejects.toThrow("no disk");
  expect(await readdir(folder)).toEqual([]);
});

it("lets one of many through at a time", async () => {
  let inside = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () =>
      withLock(folder, "up", async () => {
        inside++;
        await readFile(lockFile());
        expect(inside).toBe(1);
        inside--;
      }),
    ),
  );
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  expect(failures.filter((failure) => !(failure instanceof BusyError))).toEqual([]);
  expect(failures.length).toBeLessThan(20);
});

it("is taken over from a command that was killed", async () => {
  const killed = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const startTimeTicks = await startTimeOf(killed.pid ?? 0);
  await writeFile(lockFile(), JSON.stringify({ pid: killed.pid, startTimeTicks, command: "up" }));
  await expect(withLock(folder, "down", async () => "mine")).rejects.toThrow(
    `\`lab up\` (pid ${killed.pid})`,
  );
  const ended = new Promise((resolve) => killed.once("exit", resolve));
  killed.kill("SIGKILL");
  await ended;
  expect(await withLock(folder, "down", async () => "mine")).toBe("mine");
});

it("is taken over where the machine was switched off while it was written", async () => {
  await writeFile(lockFile(), '{"pid": 12');
  expect(await withLock(folder, "up", async () => "mine")).toBe("mine");
});
