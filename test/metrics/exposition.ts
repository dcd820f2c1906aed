import type { Family, MetricType } from "../../alert-rules/metrics/catalogue.ts";

const types = ["gauge", "counter", "histogram", "summary", "untyped"] as const;

/**
 * The families in a page of metrics (Prometheus' text format), with their types and every label that one of their
 * series has. Fails where a line cannot be read.
 */
export function familiesIn(page: string): Map<string, Family> {
  const declared = new Map<string, MetricType>();
  const labels = new Map<string, Set<string>>();
  for (const line of page.split("\n")) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) declared.set(name, typeNamed(type, line));
    if (line === "" || line.startsWith("#")) continue;
    const series = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+(?: \d+)?$/.exec(line);
    if (!series) throw new Error(`no line of Prometheus' text format: ${line}`);
    const family = familyOf(series[1] ?? "", declared);
    const known = labels.get(family) ?? new Set();
    labels.set(family, known);
    for (const label of labelsIn(series[2] ?? "")) known.add(label);
  }
  return new Map(
    [...labels].map(([family, found]) => {
      const type = declared.get(family) ?? "untyped";
      const implied = type === "histogram" ? "le" : type === "summary" ? "quantile" : undefined;
      return [family, { type, labels: [...found].filter((label) => label !== implied).toSorted() }];
    }),
  );
}

function typeNamed(word: string, line: string): MetricType {
  const type = types.find((each) => each === word);
  if (type === undefined) throw new Error(`an unknown type of metric: ${line}`);
  return type;
}

function familyOf(name: string, declared: ReadonlyMap<string, MetricType>): string {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  const type = declared.has(name) ? undefined : declared.get(base);
  return type === "histogram" || type === "summary" ? base : name;
}

function labelsIn(text: string): string[] {
  return [...text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"/g)].map(([, name = ""]) => name);
}
