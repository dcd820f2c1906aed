import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Family, Source } from "../../alert-rules/metrics/catalogue.ts";
import { familiesIn } from "./exposition.ts";

const folder = join(import.meta.dirname, "../../alert-rules/metrics");

/** Of a Go program's own memory, not of what it watches; alike in all of them. */
const runtime = /^go_/;

/** What our own programs leave for node_exporter has files of its own. */
const produced = /^(lab|dbkeeper)_/;

/** Families of pages that servers of several roles showed: which have them is said where not all do. */
export function families(pages: Readonly<Record<string, string>>): Record<string, Family> {
  const found = Object.entries(pages).map(([role, page]) => ({ role, families: familiesIn(page) }));
  const names = new Set(found.flatMap(({ families }) => [...families.keys()]));
  const merged = [...names].toSorted().map((name): [string, Family] => {
    const owners = found.filter(({ families }) => families.has(name));
    const [first] = owners;
    return [
      name,
      {
        type: first?.families.get(name)?.type ?? "untyped",
        labels: [...new Set(owners.flatMap(({ families }) => families.get(name)?.labels ?? []))].toSorted(),
        ...(owners.length === found.length ? {} : { roles: owners.map(({ role }) => role) }),
      },
    ];
  });
  return Object.fromEntries(merged.filter(([name]) => !runtime.test(name) && !produced.test(name)));
}

/** What other versions are kept for: settings of the server have their names from PostgreSQL, not from the exporter. */
export function withoutSettings(metrics: Record<string, Family>): Record<string, Family> {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.startsWith("pg_settings_")));
}

/** Writes a file of the catalogue, a metric a line where the style allows it. `path` is below `alert-rules/metrics/`. */
export async function writeSource(path: string, { metrics, ...head }: Source): Promise<void> {
  const lines = [
    ...Object.entries(head).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)},`),
    '"metrics": {',
    Object.entries(metrics)
      .map(([name, family]) => `${JSON.stringify(name)}: ${JSON.stringify(family)}`)
      .join(",\n"),
    "}",
  ];
  const file = join(folder, path);
  await writeFile(file, `{\n${lines.join("\n")}\n}\n`);
  await execa("biome", ["format", "--write", file], { preferLocal: true });
  console.log(`${file}: ${Object.keys(metrics).length} metrics`);
}
