import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive, parseStat, readProcessRecord, startDetached, stopProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-process-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const node = process.execPath;

test("a detached process is recorded, found alive and ended", async () => {
  const recordPath = join(folder, "p.json");
  const record = await startDetached({
    name: "idler",
    argv: [node, "-e", "console.log('ready'); setInterval(() => {}, 1000)"],
    log: join(folder, "logs/idler.log"),
    recordPath,
  });
  await waitFor(async () => (await readFile(record.log, "utf8")).includes("ready"), {
    what: "the log line",
    timeoutSeconds: 10,
  });
  expect(await readProcessRecord(recordPath)).toEqual(record);
  expect(await isAlive(record)).toBe(true);
  await stopProcess(record, 10);
  expect(await isAlive(record)).toBe(false);
});

test("a process that ignores SIGTERM is killed after the grace", async () => {
  const record = await startDetached({
    name: "stubborn",
    argv: [node, "-e", "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)"],
    log: join(folder, "stubborn.log"),
  });
  await waitFor(async () => (await readFile(record.log, "utf8")).includes("ready"), {
    what: "the log line",
    timeoutSeconds: 10,
  });
  await stopProcess(record, 0.2);
  expect(await isAlive(record)).toBe(false);
});

test("a pid that belongs to another process now is neither alive nor stopped", async () => {
  const other = { name: "reused", pid: process.pid, startTimeTicks: 1, argv: ["x"], log: "/dev/null" };
  expect(await isAlive(other)).toBe(false);
  await stopProcess(other, 0.1);
});

test("a program that does not exist is named", async () => {
  const start = startDetached({ name: "ghost", argv: ["/no/such/program"], log: join(folder, "g.log") });
  await expect(start).rejects.toThrow(/cannot start ghost \(\/no\/such\/program\)/);
});

test("a command name with brackets and spaces does not shift the fields", () => {
  const rest = Array.from({ length: 18 }, (_, index) => String(index + 4)).join(" ");
  expect(parseStat(`7 (a) b (c)) S ${rest} 12345 9`)).toMatchObject({ state: "S", processGroup: 5 });
  const fields = ["S", "1", "42", ...Array.from({ length: 16 }, () => "0"), "777", "8"];
  expect(parseStat(`7 (x) ${fields.join(" ")}`)).toEqual({
    state: "S",
    processGroup: 42,
    startTimeTicks: 777,
  });
});
