import { type Feed, feedOf, feeds } from "../absence.ts";
import { metricsReader } from "../check/absence.ts";
import { deliveredCatalogue, metricNamed } from "../metrics/catalogue.ts";
import { parseExpression } from "../promql/parse.ts";
import type { RuleGroup } from "../rule.ts";
import { alertOf } from "./promtool.ts";
import type { Proof, Proofs } from "./proof.ts";
import type { Series } from "./series.ts";

/** Series of one feed from one place that all come no more. */
export interface Absence {
  readonly job: string;
  readonly instance: string;
  /** What must fire then. */
  readonly partners: readonly string[];
  /** What is missing of the healthy lab. */
  readonly gone: ReadonlySet<string>;
  /** The alerts that are blind then, as `Name severity`. */
  readonly alerts: ReadonlySet<string>;
}

/** Every feed that an alert reads, in each place where its proof has it, gone from an otherwise healthy lab. */
export function absencesOf(
  groups: readonly RuleGroup[],
  proofs: Readonly<Record<string, Proofs>>,
  healthy: Series,
): Absence[] {
  const reads = metricsReader(groups);
  const inputs = groups.flatMap((group) =>
    (proofs[group.name] ?? []).flatMap((proof) => {
      const metrics = reads(parseExpression(alertOf(group, proof).expression));
      return inputsOf(proof, metrics);
    }),
  );
  const places = Map.groupBy(inputs, ({ feed, job, instance }) =>
    [feed.partners.join(), job, instance].join(" "),
  );
  return [...places.values()].flatMap((some) =>
    some.slice(0, 1).map(({ feed, job, instance }) => ({
      job,
      instance,
      partners: feed.partners,
      gone: new Set(Object.keys(healthy).filter((name) => isGone(name, feed, job, instance))),
      alerts: new Set(some.map(({ alert }) => alert)),
    })),
  );
}

interface Input {
  readonly alert: string;
  readonly feed: Feed;
  readonly job: string;
  readonly instance: string;
}

/** What an alert is fed with in its proof. One that tells of an absence itself needs nobody for that. */
function inputsOf(proof: Proof, metrics: ReadonlySet<string>): Input[] {
  if (allPartners.has(proof.alert)) return [];
  return Object.keys({ ...proof.always, ...proof.good })
    .map(partsOf)
    .filter(({ metric }) => metrics.has(metric))
    .flatMap(({ job, instance, feed }) =>
      feed ? alertsOf(proof).map((alert) => ({ alert, feed, job, instance })) : [],
    );
}

/** With the critical one its warning, which reads the same. */
function alertsOf({ alert, severity, also = [] }: Proof): string[] {
  return [`${alert} ${severity}`, ...also.filter((name) => name.startsWith(`${alert} `))];
}

const allPartners = new Set(feeds.flatMap(({ partners }) => partners));

/** Alerts of whose absent input no test sees another one tell, as `Name severity`. */
export function untold(groups: readonly RuleGroup[], absences: readonly Absence[]): string[] {
  const told = new Set(absences.flatMap(({ alerts }) => [...alerts]));
  const alerts = groups.flatMap(({ rules }) => rules.filter((rule) => rule.kind === "alert"));
  return [
    ...new Set(
      alerts
        // The dead man's switch reads nothing.
        .filter(({ name, severity }) => !allPartners.has(name) && severity !== "none")
        .map(({ name, severity }) => `${name} ${severity}`),
    ),
  ].filter((alert) => !told.has(alert));
}

/** An exporter that is gone takes all that its target shows with it; a program of ours only what it writes. */
function isGone(name: string, feed: Feed, job: string, instance: string): boolean {
  const parts = partsOf(name);
  if (parts.job !== job || parts.instance !== instance) return false;
  return !isOurs(feed) || parts.feed?.partners.join() === feed.partners.join();
}

function isOurs({ source }: Feed): boolean {
  return deliveredCatalogue().sources.some(
    (candidate) => candidate.source === source && candidate.how === "produced",
  );
}

interface Parts {
  readonly metric: string;
  readonly job: string;
  readonly instance: string;
  readonly feed: Feed | undefined;
}

function partsOf(series: string): Parts {
  const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(series)?.[1] ?? "";
  const metric = series.replace(/\{.*/s, "");
  const source = metricNamed(metric)?.sources[0]?.source;
  const feed = source === undefined ? undefined : feedOf(metric, source, label("command"));
  return { metric, job: label("job"), instance: label("instance"), feed };
}
