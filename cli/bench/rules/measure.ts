import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { ruleGroups } from "../../../alert-rules/groups.ts";
import type { Inventory } from "../../../alert-rules/inventory.ts";
import { inventoryOf } from "../../../infra/monitoring/inventory.ts";
import { type RuleFile, renderRules } from "../../../infra/monitoring/rule-files.ts";
import { parseSite, type Site } from "../../../infra/site.ts";
import { medianOf } from "../median.ts";
import { watchMemory } from "../memory.ts";
import { benchConfiguration } from "./configuration.ts";
import { type Exporters, startExporters } from "./exporters.ts";
import { type GroupState, groupStates, plainMetric } from "./group-metrics.ts";
import { History } from "./history.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { deliveredIntervals, seenOften } from "./seldom.ts";
import { monitoredSite } from "./site.ts";
import { syntheticLab } from "./target.ts";
import { until } from "./until.ts";

/** What evaluating a group of rules took. */
export interface GroupFigures {
  readonly group: string;
  readonly rules: number;
  readonly intervalSeconds: number;
  readonly medianSeconds: number;
  readonly worstSeconds: number;
}

/** What the rules of a lab of one size cost. */
export interface RuleFigures {
  readonly instances: number;
  readonly targets: number;
  readonly rules: number;
  /** What building and checking the rules took, in seconds. */
  readonly buildSeconds: number;
  /** Samples written as the past. */
  readonly historySamples: number;
  /** In Prometheus' head, at the end. */
  readonly series: number;
  /** Of these, what rules record. */
  readonly recordedSeries: number;
  readonly samplesPerSecond: number;
  /** The most that Prometheus held while rules were evaluated. */
  readonly peakMib: number;
  readonly groups: readonly GroupFigures[];
  readonly slowestRules: readonly {
    readonly group: string;
    readonly name: string;
    readonly seconds: number;
  }[];
  /** Evaluations that were left out because the one before was not over. */
  readonly missed: number;
  readonly failures: number;
  /** Alerts that fire besides the dead man's switch, with their number. */
  readonly firing: readonly string[];
  /** Of the machine, over the last minute of the measurement. */
  readonly load: number;
}

export interface MeasureOptions {
  /** The program. */
  readonly prometheus: string;
  readonly instances: number;
  /** How long evaluations are watched, in seconds. */
  readonly watchSeconds: number;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Runs a Prometheus of its own over a synthetic lab, with its past, and watches it evaluate the lab's rules. */
export async function measureRules(options: MeasureOptions): Promise<RuleFigures> {
  const { instances, say, signal } = options;
  const site = parseSite(monitoredSite(instances));
  const inventory = inventoryOf(site);
  const { rules, buildSeconds } = await built(inventory);
  const groups = ruleGroups(inventory);
  const intervals = deliveredIntervals(groups, inventory.evaluationIntervalSeconds);
  const lab = syntheticLab(inventory);
  const exporters = await startExporters(lab, Math.floor(Date.now() / 1000));
  try {
    const prometheus = await startPrometheus(options.prometheus, signal);
    try {
      say(`${instances} instances: writing their past\n`);
      const history = new History({ lab, exporters, prometheus, groups });
      await history.write();
      await written(prometheus, signal);
      await history.goOn();
      say(`${instances} instances: evaluating their rules\n`);
      await configure(prometheus, { site, exporters, rules: seenOften(rules, groups) });
      const watched = await watch(prometheus, options, inventory.scrapeIntervalSeconds);
      return {
        instances,
        targets: lab.targets.length + 1,
        buildSeconds,
        historySamples: history.samples,
        ...watched,
        groups: watched.groups.map((group) => ({
          ...group,
          intervalSeconds: intervals.get(group.group) ?? group.intervalSeconds,
        })),
      };
    } finally {
      await prometheus.stop();
    }
  } catch (error) {
    // Whatever was going on then fails in its own way.
    signal.throwIfAborted();
    throw error;
  } finally {
    await exporters.close();
  }
}

/** Once a minute Prometheus moves full chunks from its memory to files; until then a long past is slow to read. */
async function written(prometheus: Prometheus, signal: AbortSignal): Promise<void> {
  await until(
    async () => {
      const text = await prometheus.metrics();
      const [chunks, moved, series] = ["head_chunks", "mmap_chunks_total", "head_series"].map((metric) =>
        plainMetric(text, `prometheus_tsdb_${metric}`),
      );
      return (chunks ?? 0) - (moved ?? 0) <= 1.5 * (series ?? 0) || undefined;
    },
    { what: "Prometheus to write full chunks to files", timeoutSeconds: 300, signal },
  );
}

async function built(inventory: Inventory): Promise<{ rules: readonly RuleFile[]; buildSeconds: number }> {
  const startedAt = performance.now();
  const rules = await renderRules(inventory);
  return { rules, buildSeconds: (performance.now() - startedAt) / 1000 };
}

async function configure(
  prometheus: Prometheus,
  {
    site,
    exporters,
    rules,
  }: { readonly site: Site; readonly exporters: Exporters; readonly rules: readonly RuleFile[] },
): Promise<void> {
  const configuration = benchConfiguration(site, {
    exporters: exporters.address,
    prometheus: prometheus.address,
    pathOf: (target) => exporters.pathOf(target),
    rulesFolder: prometheus.rulesFolder,
  });
  await prometheus.configure(configuration, rules);
}

type Watched = Omit<RuleFigures, "instances" | "targets" | "buildSeconds" | "historySamples">;

async function watch(
  prometheus: Prometheus,
  { watchSeconds, signal }: MeasureOptions,
  scrapeIntervalSeconds: number,
): Promise<Watched> {
  const look = async () => groupStates(await prometheus.metrics());
  // The first evaluation of each group finds nothing in memory, and makes what others read.
  const first = await until(
    async () => {
      const states = await look();
      const isComplete = states.size > 0 && [...states.values()].every(({ evaluatedAt }) => evaluatedAt > 0);
      return isComplete ? states : undefined;
    },
    { what: "all groups of rules to be evaluated", timeoutSeconds: 600, signal },
  );
  const memory = await watchMemory();
  const durations = new Map([...first.keys()].map((group) => [group, new Map<number, number>()]));
  const endAt = performance.now() + watchSeconds * 1000;
  let last: ReadonlyMap<string, GroupState> = first;
  // Every group has its turn, however seldom.
  const isOver = () => performance.now() > endAt && [...durations.values()].every(({ size }) => size > 0);
  while (!isOver()) {
    await sleep(1000, undefined, { signal });
    last = await look();
    for (const [group, { evaluatedAt, durationSeconds }] of last)
      if (evaluatedAt !== first.get(group)?.evaluatedAt)
        durations.get(group)?.set(evaluatedAt, durationSeconds);
  }
  const peakMib = memory.stop();
  const text = await prometheus.metrics();
  const sum = (figure: "missed" | "failures" | "rules") =>
    [...last.values()].reduce((total, state) => total + state[figure], 0);
  return {
    rules: sum("rules"),
    series: plainMetric(text, "prometheus_tsdb_head_series"),
    recordedSeries: await numberOf(prometheus, 'count({__name__=~".+:.+"})'),
    samplesPerSecond: await numberOf(prometheus, `sum(scrape_samples_scraped) / ${scrapeIntervalSeconds}`),
    peakMib,
    groups: [...last].map(([group, { intervalSeconds, rules }]) => {
      const seconds = [...(durations.get(group)?.values() ?? [])];
      return {
        group,
        rules,
        intervalSeconds,
        medianSeconds: medianOf(seconds),
        worstSeconds: Math.max(...seconds),
      };
    }),
    slowestRules: await slowestRules(prometheus),
    missed: sum("missed"),
    failures: sum("failures"),
    firing: await firing(prometheus),
    load: loadavg()[0] ?? 0,
  };
}

async function numberOf(prometheus: Prometheus, expression: string): Promise<number> {
  return (await prometheus.query(expression))[0]?.value ?? 0;
}

async function firing(prometheus: Prometheus): Promise<string[]> {
  const found = await prometheus.query(
    'count by (alertname, severity) (ALERTS{alertstate="firing",alertname!="Watchdog"})',
  );
  return found.map(({ metric, value }) => `${metric.alertname} ${metric.severity} × ${value}`);
}

const allRules = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(z.object({ name: z.string(), evaluationTime: z.number() })),
    }),
  ),
});

async function slowestRules(prometheus: Prometheus): Promise<RuleFigures["slowestRules"]> {
  const { groups } = await prometheus.get("/api/v1/rules", allRules);
  return groups
    .flatMap(({ name: group, rules }) =>
      rules.map(({ name, evaluationTime }) => ({ group, name, seconds: evaluationTime })),
    )
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, 10);
}
