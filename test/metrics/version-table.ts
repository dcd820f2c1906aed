import { deliveredCatalogue, otherVersions, type Source } from "../../alert-rules/metrics/catalogue.ts";

/**
 * Which metrics of an exporter only some of the captured versions show, as a Markdown table. Settings of the server are
 * left out. Metrics that begin alike and are in the same versions share a row.
 */
export function versionTable(exporter: string): string {
  const versions = [...deliveredCatalogue().sources, ...otherVersions().sources]
    .filter(({ source, how }) => source === exporter && how === "captured")
    .toSorted((left, right) => left.version.localeCompare(right.version, "en", { numeric: true }));
  const patterns = new Map(
    [...new Set(versions.flatMap(({ metrics }) => Object.keys(metrics)))]
      .filter((name) => !name.startsWith("pg_settings_"))
      .toSorted()
      .map((name) => [name, versions.map((version) => cell(name, version)).join()]),
  );
  const differing = [...patterns].filter(([, pattern]) => pattern.includes("–"));
  const rows = new Map(
    differing.map(([name, pattern]) => {
      const named = shortened(name, pattern, patterns);
      return [`${named} ${pattern}`, [named, ...pattern.split(",")]];
    }),
  );
  return aligned([["Metric", ...versions.map(({ version }) => version)], ...rows.values()]);
}

/** A table whose columns are as wide as their widest cell, as the formatter has it. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], filler = " ") =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0, filler)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [
    line(head),
    line(
      head.map(() => ""),
      "-",
    ),
    ...body.map((row) => line(row)),
  ].join("\n");
}

function cell(name: string, { metrics }: Source): string {
  return Object.hasOwn(metrics, name) ? "yes" : "–";
}

function shortened(name: string, pattern: string, patterns: ReadonlyMap<string, string>): string {
  const prefix = `${name.split("_").slice(0, 3).join("_")}_`;
  const alike = [...patterns].filter(([other]) => other.startsWith(prefix));
  const whole = alike.length > 1 && alike.every(([, other]) => other === pattern);
  return whole ? `\`${prefix}*\` (${alike.length})` : `\`${name}\``;
}
