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
      .map((name) => [name, versions.map((version) => cell(name, version)).join(" | ")]),
  );
  const differing = [...patterns].filter(([, pattern]) => pattern.includes("–"));
  const rows = new Set(
    differing.map(([name, pattern]) => `| ${shortened(name, pattern, patterns)} | ${pattern} |`),
  );
  return [
    `| Metric | ${versions.map(({ version }) => version).join(" | ")} |`,
    `|---|${versions.map(() => "---|").join("")}`,
    ...rows,
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
