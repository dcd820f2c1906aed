import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { versionTable } from "./version-table.ts";

it.each(["postgres_exporter", "node_exporter"])(
  "docs/metrics.md has the differences of %s as captured",
  (exporter) => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
    expect(page).toContain(versionTable(exporter));
  },
);
