/** One metric with its samples. */
export interface Family {
  /** Ends in its unit (`_seconds`, `_bytes`), a counter's in `_total`. */
  name: string;
  help: string;
  /** Default `gauge`. */
  type?: "gauge" | "counter" | "histogram";
  samples: readonly Sample[];
}

/** A value of a metric. What never happened has no sample: a zero would look like 1970, not like "never". */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
  /** Which series of a histogram it is of; only there. */
  suffix?: "_bucket" | "_sum" | "_count";
}

/** Families in Prometheus' text format; one without samples is left out. */
export function renderFamilies(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type = "gauge", samples }) => {
      const lines = samples.map(({ labels, value, suffix = "" }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
        return `${name}${suffix}{${pairs.join(",")}} ${value}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

/** Reads back what {@link renderFamilies} wrote, without histograms; lines of any other form are passed over. */
export function parseFamilies(text: string): Family[] {
  const families = new Map<string, { help: string; type: "gauge" | "counter"; samples: Sample[] }>();
  for (const line of text.split("\n")) {
    const [, keyword, described = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === "HELP") families.set(described, { help: rest, type: "gauge", samples: [] });
    const family = families.get(described);
    if (keyword === "TYPE" && family !== undefined) family.type = rest === "counter" ? "counter" : "gauge";
    const [, name = "", labels = "", value] = /^([a-z_]+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (value !== undefined)
      families.get(name)?.samples.push({ labels: parseLabels(labels), value: Number(value) });
  }
  return [...families].map(([name, family]) => ({ name, ...family }));
}

/** Seconds of a point in time given in ISO 8601, whole, as Unix time. */
export function unixTime(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(
    [...pairs].map(([, label = "", value = ""]) => [
      label,
      value.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character)),
    ]),
  );
}
