import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type MetricType = "gauge" | "counter" | "histogram" | "summary" | "untyped";

/** A metric family as its exporter declares it. */
export interface Family {
  readonly type: MetricType;
  /** Without those that Prometheus adds (`job`, `instance`, `cluster`, `site`). */
  readonly labels: readonly string[];
  /** Where only servers of some roles have it (`primary`, `standby`); all have it otherwise. */
  readonly roles?: readonly string[];
}

/** A file of the catalogue: what one version of one program exposes. */
export interface Source {
  /** The program, `postgres_exporter` for example. */
  readonly source: string;
  readonly version: string;
  /**
   * `captured` from a live exporter, `produced` by this project's own programs, or `documented`, where it can only be
   * read about.
   */
  readonly how: "captured" | "produced" | "documented";
  /** Of what it was captured, or which documentation says so. */
  readonly origin?: string;
  readonly metrics: Readonly<Record<string, Family>>;
}

/** A series as a rule or a panel names it. */
export interface Metric {
  /** As it was asked for: `x_bucket` of a histogram `x`, too. */
  readonly name: string;
  /** What its type belongs to: `x` of `x_bucket`. */
  readonly family: string;
  /** Of this series: those of a histogram, and all but the quantiles of a summary, are counters. */
  readonly type: Exclude<MetricType, "histogram">;
  /** With `le` of a bucket and `quantile` of a summary, of all sources together. */
  readonly labels: readonly string[];
  readonly sources: readonly MetricSource[];
}

export interface MetricSource extends Pick<Source, "source" | "version" | "how"> {
  /** Where only servers of some roles have it. */
  readonly roles?: readonly string[];
}

/** Looks series up in a set of sources. */
export interface Catalogue {
  readonly sources: readonly Source[];
  /** `undefined` where no source exposes it. */
  metricNamed(name: string): Metric | undefined;
}

let delivered: Catalogue | undefined;
let others: Catalogue | undefined;

/**
 * The series of this name that the programs which the lab delivers or watches expose, `undefined` where none does: a
 * rule that reads it would never fire.
 */
export function metricNamed(name: string): Metric | undefined {
  return deliveredCatalogue().metricNamed(name);
}

/** What the programs expose that the lab delivers or watches: `alert-rules/metrics/*.json`, read once. */
export function deliveredCatalogue(): Catalogue {
  delivered ??= catalogueOf(sourcesIn(import.meta.dirname));
  return delivered;
}

/** What other versions of the exporters expose, so that renames are known before one is raised. Read once. */
export function otherVersions(): Catalogue {
  others ??= catalogueOf(sourcesIn(join(import.meta.dirname, "versions")));
  return others;
}

/** The files of a folder. Fails where one is no JSON. */
function sourcesIn(folder: string): Source[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .map((file) => {
      try {
        return JSON.parse(readFileSync(join(folder, file), "utf8"));
      } catch (error) {
        throw new Error(`${join(folder, file)} is no catalogue of metrics: ${String(error)}`);
      }
    });
}

/** A catalogue of these sources. */
export function catalogueOf(sources: readonly Source[]): Catalogue {
  return {
    sources,
    metricNamed(name) {
      for (const [suffix, family] of candidates(name)) {
        const found = sources.flatMap((source) => {
          const declared = Object.hasOwn(source.metrics, family) ? source.metrics[family] : undefined;
          return declared && exposes(declared.type, suffix) ? [{ source, declared }] : [];
        });
        const [first] = found;
        if (first) {
          return {
            name,
            family,
            type: typeOf(first.declared.type, suffix),
            labels: [
              ...new Set(
                found.flatMap(({ declared }) => [...declared.labels, ...extra(declared.type, suffix)]),
              ),
            ],
            sources: found.map(({ source: { source, version, how }, declared: { roles } }) => ({
              source,
              version,
              how,
              ...(roles ? { roles } : {}),
            })),
          };
        }
      }
      return undefined;
    },
  };
}

const suffixes = ["_bucket", "_sum", "_count"] as const;
type Suffix = (typeof suffixes)[number] | "";

/** The name itself first: a counter may well be called `x_count`. */
function candidates(name: string): [Suffix, string][] {
  const suffix = suffixes.find((each) => name.endsWith(each));
  return [["", name], ...(suffix ? [[suffix, name.slice(0, -suffix.length)] as [Suffix, string]] : [])];
}

/** Whether a family of this type has series that end so: a histogram has none of its bare name. */
function exposes(type: MetricType, suffix: Suffix): boolean {
  if (type === "histogram") return suffix !== "";
  if (type === "summary") return suffix !== "_bucket";
  return suffix === "";
}

function typeOf(type: MetricType, suffix: Suffix): Metric["type"] {
  if (suffix !== "" || type === "histogram") return "counter";
  return type;
}

function extra(type: MetricType, suffix: Suffix): string[] {
  if (suffix === "_bucket") return ["le"];
  return type === "summary" && suffix === "" ? ["quantile"] : [];
}
