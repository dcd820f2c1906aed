import type { Recording, RuleGroup } from "../../../alert-rules/rule.ts";
import type { Exporters } from "./exporters.ts";
import type { Prometheus } from "./prometheus.ts";
import { reachOf, type Span, widened } from "./reach.ts";
import { encodeSamples, type WrittenSeries } from "./remote-write.ts";
import { type SyntheticLab, targetLabels } from "./target.ts";
import { valueAt } from "./values.ts";

/** The past is so much longer than the windows, for what is evaluated later, in seconds. */
const marginSeconds = 600;

export interface HistoryArgs {
  readonly lab: SyntheticLab;
  readonly exporters: Exporters;
  readonly groups: readonly RuleGroup[];
  readonly prometheus: Prometheus;
}

/** Samples at every scrape, and at every evaluation, over the windows that rules look at: as after weeks of running. */
export class History {
  readonly #args: HistoryArgs;
  readonly #reach: ReadonlyMap<string, readonly Span[]>;
  /** What recordings have made, which goes on until they do it themselves. */
  readonly #recorded: {
    readonly labels: Record<string, string>;
    readonly value: number;
    readonly step: number;
  }[] = [];
  #until = 0;
  /** How many samples were written. */
  samples = 0;

  constructor(args: HistoryArgs) {
    this.#args = args;
    this.#reach = reachOf(args.groups);
  }

  /** Writes all that lies before now. */
  async write(): Promise<void> {
    const { prometheus, groups, lab } = this.#args;
    const step = lab.inventory.scrapeIntervalSeconds;
    this.#until = Math.floor(Date.now() / 1000);
    await prometheus.write(this.#scraped((metric) => this.#spansOf(metric, step)));
    for (const { rules, intervalSeconds = lab.inventory.evaluationIntervalSeconds } of groups)
      for (const rule of rules) if (rule.kind === "recording") await this.#record(rule, intervalSeconds);
  }

  /** Goes on from where the last call ended until now. */
  async goOn(): Promise<void> {
    const { prometheus } = this.#args;
    const from = this.#until;
    this.#until = Math.floor(Date.now() / 1000);
    const rest = [{ from: this.#until - from - 1, to: 0 }];
    await prometheus.write(this.#scraped((metric) => (isPoint(this.#reach.get(metric)) ? [] : rest)));
    await prometheus.write(
      this.#recorded.map(({ labels, value, step }) => ({ labels, samples: this.#encode(value, rest, step) })),
    );
  }

  /** What a recording gives now, as if it had given that all the time: its labels are those of its own expression. */
  async #record({ name, expression, labels }: Recording, step: number): Promise<void> {
    const { prometheus } = this.#args;
    const found = (await prometheus.query(expression, this.#until)).map(({ metric, value }) => ({
      labels: { ...metric, ...labels, __name__: name },
      value,
      step,
    }));
    this.#recorded.push(...found);
    const spans = this.#spansOf(name, step);
    await prometheus.write(
      found.map((each) => ({ labels: each.labels, samples: this.#encode(each.value, spans, step) })),
    );
  }

  *#scraped(spansOf: (metric: string) => readonly Span[]): Generator<WrittenSeries> {
    const { lab, exporters } = this.#args;
    const step = lab.inventory.scrapeIntervalSeconds;
    const alike = new Map<string, Buffer>();
    const spans = new Map<string, readonly Span[]>();
    const up = { metric: "up", labels: {}, values: 1 };
    for (const target of lab.targets) {
      for (const { metric, labels, values } of [up, ...exporters.seriesOf(target)]) {
        if (!this.#reach.has(metric)) continue;
        const own = spans.get(metric) ?? spansOf(metric);
        spans.set(metric, own);
        if (own.length === 0) continue;
        const key = JSON.stringify([values, own]);
        const samples = alike.get(key) ?? this.#encode((at) => valueAt(values, at), own, step);
        alike.set(key, samples);
        this.#count(samples);
        yield { labels: { __name__: metric, ...labels, ...targetLabels(target) }, samples };
      }
    }
  }

  /** Of what only the newest sample is read, that is enough. */
  #spansOf(metric: string, step: number): Span[] {
    const spans = this.#reach.get(metric);
    return isPoint(spans) ? [{ from: 2 * step, to: 0 }] : widened(spans ?? [], marginSeconds);
  }

  #encode(value: number | ((at: number) => number), spans: readonly Span[], step: number): Buffer {
    const valueFor = typeof value === "number" ? () => value : value;
    return Buffer.concat(
      spans.map(({ from, to }) =>
        encodeSamples(valueFor, { from: this.#until - from, to: this.#until - to, step }),
      ),
    );
  }

  #count(samples: Buffer): void {
    this.samples += samples.length / 18;
  }
}

function isPoint(spans: readonly Span[] | undefined): boolean {
  return (spans ?? []).every(({ from }) => from === 0);
}
