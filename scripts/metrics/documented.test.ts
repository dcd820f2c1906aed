import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import catalogue from "../../alert-rules/metrics/dbkeeper.json" with { type: "json" };

const scripts = join(import.meta.dirname, "..");
const guide = join(scripts, "../docs/dbkeeper.md");

/** Every metric that a program text of the runtime names, in full or as `family("…")` of those for WAL. */
async function readNames(): Promise<string[]> {
  const paths = (await readdir(scripts, { recursive: true })).filter(
    (path) => path.endsWith(".ts") && !/(^testing\/|test\.ts$)/.test(path),
  );
  const texts = await Promise.all(paths.map((path) => readFile(join(scripts, path), "utf8")));
  return texts.flatMap((text) => [
    ...[...text.matchAll(/\bname: "(dbkeeper_[a-z_]+)"/g)].map(([, name = ""]) => name),
    ...[...text.matchAll(/\bfamily\(\s*"([a-z_]+)"/g)].map(([, name]) => `dbkeeper_wal_${name}`),
  ]);
}

const exportedNames = readNames();

test("the guide's tables name each metric that is exported, and no other", async () => {
  const rows = (await readFile(guide, "utf8")).split("\n").filter((line) => line.startsWith("| `dbkeeper_"));
  const documented = rows.flatMap((row) => (row.split(" | ")[0] ?? "").match(/dbkeeper_[a-z_]+/g) ?? []);
  const exported = [...new Set(await exportedNames)];
  expect(exported.length).toBeGreaterThan(40);
  expect(documented.toSorted()).toEqual(exported.toSorted());
});

test("the catalogue that rules are held against has each metric that is exported, and no other", async () => {
  const exported = [...new Set(await exportedNames)];
  expect(Object.keys(catalogue.metrics).toSorted()).toEqual(exported.toSorted());
});

test("a name ends in its unit, a counter's in _total", async () => {
  // Counts, codes and states of which the name says what is counted have no unit.
  const plain =
    /_(success|exit_code|runs|items|objects|problems|rows|segments|good|ratio|transactions|sessions|superusers|rules|settings|errors|indexes|collations|tables|workers|workers_max|standbys|data_checksums|mismatch|in_recovery|streaming|active|invalidated|wal_status|paused)$/;
  const odd = (await exportedNames).filter(
    (name) => !/_(seconds|bytes|total)$/.test(name) && !plain.test(name),
  );
  expect(odd).toEqual([]);
});
