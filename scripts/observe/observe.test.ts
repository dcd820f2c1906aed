import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { compareItems } from "./changes.ts";
import { followFile } from "./follow.ts";
import { kindsOf } from "./log-events.ts";
import type { LogPosition } from "./state.ts";
import { bounds, countStatements } from "./statements.ts";

let folder: string;
let log: string;
let position: LogPosition | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dbkeeper-follow-"));
  log = join(folder, "server.log");
});
afterAll(() => rm(folder, { recursive: true }));

/** What is new, for a reader that has seen what was there. */
const look = async (maximumBytes?: number) => {
  const lines: string[] = [];
  const followed = await followFile(log, position, (line) => lines.push(line), maximumBytes);
  position = followed.position;
  return { lines, hasGap: followed.hasGap, unreadBytes: followed.unreadBytes };
};

const old = `${"what was there ".repeat(30)}\n`;

beforeEach(async () => {
  for (const name of [log, `${log}.1`]) await rm(name, { force: true });
  await writeFile(log, old);
  position = undefined;
  expect(await look()).toMatchObject({ lines: [], unreadBytes: 0 });
});

test("each complete line is given once, the rest of one when it is complete", async () => {
  await appendFile(log, "one\ntw");
  expect(await look()).toEqual({ lines: ["one"], hasGap: false, unreadBytes: 2 });
  await appendFile(log, "o\nthree\n");
  expect((await look()).lines).toEqual(["two", "three"]);
  expect((await look()).lines).toEqual([]);
});

test("nothing is lost where the log is renamed and begun anew", async () => {
  await appendFile(log, "before\n");
  await rename(log, `${log}.1`);
  await writeFile(log, "after\n");
  expect(await look()).toEqual({ lines: ["before", "after"], hasGap: false, unreadBytes: 0 });
});

test("nothing is lost where the log is copied and truncated, even if it is longer again than it was", async () => {
  await appendFile(log, "before\n");
  await copyFile(log, `${log}.1`);
  await truncate(log);
  await appendFile(log, `after\n${"x".repeat(1000)}\n`);
  expect((await look()).lines).toEqual(["before", "after", "x".repeat(1000)]);
});

test("a log that is gone is a gap, and what is there is read", async () => {
  await rm(log);
  await writeFile(log, "another\n");
  expect(await look()).toEqual({ lines: ["another"], hasGap: true, unreadBytes: 0 });
});

test("a look reads no more than it may and the next one goes on, through a line that is longer than that", async () => {
  await appendFile(log, `${"y".repeat(200_000)}\nlast\n`);
  const lines: string[] = [];
  for (let left = 1; left > 0; ) {
    const next = await look(64 * 1024);
    left = next.unreadBytes;
    lines.push(...next.lines);
  }
  expect(lines.at(-1)).toBe("last");
  expect(lines.every((line) => line.length <= 8192)).toBe(true);
});

test.each([
  ["28P01", 'joe@desi FATAL:  password authentication failed for user "joe"', ["failed_login"]],
  ["28000", "[unknown]@[unknown] FATAL:  no pg_hba.conf entry", ["failed_login"]],
  ["28P01", "joe@desi DETAIL:  Role does not exist.", []],
  ["28000", "joe@desi ERROR:  a foreign server refused", []],
  ["53100", "PANIC:  could not write to file", ["panic", "disk_full"]],
  ["53400", "joe@desi ERROR:  limit", ["resource"]],
  ["57014", "joe@desi ERROR:  canceling statement due to user request", []],
  ["00000", "LOG:  checkpoint starting: FATAL:  time", []],
  ["00000", "joe@desi LOG:  duration: 900.1 ms  parse <unnamed>: select", []],
])("%s %s", (sqlstate, text, kinds) => {
  expect(kindsOf(`2026-06-01 02:00:00.123 UTC [42] ${sqlstate} ${text}`)).toEqual(kinds);
});

test("a slow statement is one only of roles that are not the lab's own", () => {
  const line = "2026-06-01 02:00:00.123 UTC [42] 00000 backup@desi LOG:  duration: 900.1 ms  statement: COPY";
  expect(kindsOf(line, ["backup"])).toEqual([]);
  expect(kindsOf(line, ["monitoring"])).toEqual(["slow_statement"]);
});

test("a line within another's text is none", () => {
  expect(kindsOf("\t2026-06-01 02:00:00.123 UTC [42] XX001 PANIC:  made up")).toEqual([]);
});

test("the first look at a set of things is no change, and each difference is one", () => {
  const first = compareItems(undefined, { a: "1" }, 100);
  expect(first.print).toMatchObject({ changedAt: null, changes: 0 });
  const second = compareItems(first.print, { a: "2", b: "1" }, 200);
  expect(second).toMatchObject({ added: ["b"], changed: ["a"], print: { changedAt: 200, changes: 1 } });
  expect(compareItems(second.print, { a: "2", b: "1" }, 300).print).toEqual(second.print);
  expect(compareItems(second.print, { b: "1" }, 300)).toMatchObject({ removed: ["a"] });
});

test("calls since the last look count with their mean, those before it not at all", () => {
  const counted = (calls: number, milliseconds: number) => [
    { database: "desi", key: "1", calls, milliseconds },
  ];
  const first = countStatements(null, counted(1000, 1000));
  const count = ({ histograms }: typeof first) =>
    Object.fromEntries(
      [...bounds, Infinity].flatMap((bound, index) => {
        const calls = histograms.desi?.counts[index] ?? 0;
        return calls > 0 ? [[bound, calls]] : [];
      }),
    );
  expect(count(first)).toEqual({});
  const second = countStatements(first, counted(1004, 3000));
  expect(count(second)).toEqual({ 0.5: 4 });
  expect(second.histograms.desi?.sumSeconds).toBe(2);
  // After a reset.
  expect(count(countStatements(second, counted(2, 30_000)))).toEqual({ 0.5: 4, Infinity: 2 });
});
