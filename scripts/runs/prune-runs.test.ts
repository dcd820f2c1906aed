import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../cli.ts";
import { temporaryFolder } from "../testing/cluster.ts";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import { runsFolder } from "./runs.ts";

let folder: string;
let runs: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  runs = runsFolder(join(folder, "backup"), "pg01");
  const config = {
    cluster: { name: "pg01", role: "keeper" },
    directory: join(folder, "backup"),
    metricsFile: join(folder, "dbkeeper.prom"),
    retention: { keepLast: 2 },
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
});
afterEach(() => rm(folder, { recursive: true }));

/** A run of each day of January 2026, proven but for what differs. */
async function makeRun(day: number, differences: Partial<Manifest> = {}): Promise<void> {
  const id = `202601${String(day).padStart(2, "0")}T020000Z`;
  await mkdir(join(runs, id), { recursive: true });
  for (const file of ["some.dump", "globals.sql"]) await writeFile(join(runs, id, file), "");
  const finishedAt = `2026-01-${String(day).padStart(2, "0")}T02:00:00.000Z`;
  const databases = [entryFor("desi")];
  const validation = validationFor("restore", "passed", ["desi"]);
  await writeManifest(join(runs, id), manifestFor({ finishedAt, databases, validation, ...differences }));
}

async function prune(...options: string[]) {
  let output = "";
  const sink = {
    write(text: string) {
      output += text;
    },
  };
  const argv = ["prune", "--json", "--config", join(folder, "config.json"), ...options];
  const code = await runCli(argv, { out: sink, err: sink, signal: new AbortController().signal });
  const events = output.split("\n").filter((line) => line.startsWith('{"time"'));
  return { code, output, events: events.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const days = async () =>
  (await readdir(runs)).map((name) => Number(name.slice(6, 8))).toSorted((a, b) => a - b);

test("a dry run tells the fate of each run and its rule, and changes nothing; the real one does just that", async () => {
  for (const day of [1, 2, 3, 4, 5]) await makeRun(day);
  const told = await prune("--dry-run");
  expect(told.code).toBe(0);
  expect(told.events.map(({ run, mark, rule }) => `${run} ${mark} ${rule}`)).toEqual([
    "20260105T020000Z keep keepLast",
    "20260104T020000Z keep keepLast",
    "20260103T020000Z keep keepValidated",
    "20260102T020000Z remove none",
    "20260101T020000Z remove none",
  ]);
  expect(await days()).toEqual([1, 2, 3, 4, 5]);
  expect((await prune()).code).toBe(0);
  expect(await days()).toEqual([3, 4, 5]);
  expect((await prune()).code).toBe(0);
  expect(await days()).toEqual([3, 4, 5]);
});

test.each([
  ["not proven", () => makeRun(6, { validation: null })],
  ["not complete", () => makeRun(6, { failed: [{ name: "other", reason: "locked" }] })],
  [
    "damaged",
    async () => {
      await makeRun(6);
      await writeFile(join(runs, "20260106T020000Z", "manifest.json"), "{}");
    },
  ],
])("nothing goes while the newest run is %s", async (_, breakNewest) => {
  for (const day of [1, 2, 3, 4, 5]) await makeRun(day);
  await breakNewest();
  const { code, output } = await prune();
  expect(code).toBe(3);
  expect(output).toContain("20260106T020000Z is not proven");
  expect(await days()).toEqual([1, 2, 3, 4, 5, 6]);
});

test("what the manifest does not name stays, and does not hold up the others", async () => {
  for (const day of [1, 2, 3, 4, 5]) await makeRun(day);
  await cp(join(runs, "20260101T020000Z", "some.dump"), join(runs, "20260101T020000Z", "mine.dump"));
  await mkdir(join(runs, "notes"));
  const { code, output } = await prune();
  expect(code).toBe(1);
  expect(output).toContain("mine.dump");
  expect((await readdir(runs)).toSorted()).toEqual([
    "20260101T020000Z",
    "20260103T020000Z",
    "20260104T020000Z",
    "20260105T020000Z",
    "notes",
  ]);
});

test("what a killed prune has left of a run goes with the next one", async () => {
  for (const day of [1, 2, 3]) await makeRun(day);
  await cp(join(runs, "20260101T020000Z"), join(runs, ".20251231T020000Z.partial"), { recursive: true });
  expect((await prune()).code).toBe(0);
  expect(await days()).toEqual([1, 2, 3]);
});

test("who pruned, when, and how it ended is one event, also where it failed; looking leaves none", async () => {
  const audits = (events: Record<string, unknown>[]) => events.filter(({ event }) => event === "audit");
  for (const day of [1, 2, 3, 4]) await makeRun(day);
  expect(audits((await prune("--dry-run")).events)).toEqual([]);
  const { events } = await prune();
  expect(audits(events)).toEqual([events.at(-1)]);
  expect(events.at(-1)).toMatchObject({
    command: "prune",
    arguments: ["prune", "--json", "--config", join(folder, "config.json")],
    account: userInfo().username,
    outcome: "ok",
    exitCode: 0,
  });
  await makeRun(5, { validation: null });
  const [refused] = audits((await prune()).events);
  expect(refused).toMatchObject({ command: "prune", outcome: "preflight", exitCode: 3 });
});
