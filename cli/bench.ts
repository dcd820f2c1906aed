import type { Command } from "commander";
import type { Bound } from "./bench/bounds.ts";
import { formatTable } from "./terminal.ts";

/** `lab bench`: what the program, the runtime and the alert rules cost, beside what they are to be held against. */
export function register(program: Command): void {
  const bench = program
    .command("bench")
    .description("measure what the program, the runtime and the alert rules cost")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab bench preview --quick\n  $ ./lab bench dump --quick\n  $ ./lab bench rules --quick\n",
    );
  registerPreview(bench);
  registerDump(bench);
  registerRules(bench);
}

interface Choice {
  readonly quick?: boolean;
  readonly json?: boolean;
}

function registerPreview(bench: Command): void {
  bench
    .command("preview")
    .description(
      "time and memory of previews of 10, 100 and 1,000 guests, and whether they stay in their bounds",
    )
    .option("--quick", "without 1,000 guests")
    .option("--json", "for scripts")
    .addHelpText(
      "after",
      "\nEach preview runs beside an empty Pulumi program; the exit code is 1 where a bound is exceeded.\n" +
        "Figures count the engine, the program and the providers that stand in for plugins.\n" +
        "\nExamples:\n  $ ./lab bench preview --quick\n  $ ./lab bench preview --json > bench.json\n",
    )
    .action(async ({ quick = false, json = false }: Choice) => {
      const { boundsOf } = await import("./bench/bounds.ts");
      const measurements = await measurePreviews(quick);
      const { empty, small, sites } = measurements;
      const table = formatTable(
        [empty, small, ...sites],
        [
          { title: "PROGRAM", value: ({ program }) => program },
          { title: "SECONDS", value: ({ seconds }) => seconds.toFixed(2), align: "right" },
          { title: "× EMPTY", value: ({ seconds }) => (seconds / empty.seconds).toFixed(2), align: "right" },
          { title: "PEAK MIB", value: ({ peakMib }) => Math.round(peakMib), align: "right" },
          { title: "RESOURCES", value: ({ resources }) => resources, align: "right" },
        ],
      );
      await tell({ json, measurements, table, bounds: boundsOf(measurements) });
    });
}

function registerDump(bench: Command): void {
  bench
    .command("dump")
    .description("time, bytes and memory of dumps beside the plain script and the fastest pipeline")
    .option("--quick", "200 and 800 MiB instead of 1 and 4 GiB, and 20 databases instead of 200")
    .option("--json", "for scripts")
    .addHelpText(
      "after",
      "\nEach data set is made in a PostgreSQL server of its own, read once, and dumped in every way in turns, each\n" +
        "round in another order. Seconds and bytes are medians; memory and processor time are those of the programs\n" +
        "that dump, not the server's. The exit code is 1 where a bound is exceeded. What was made is removed, also\n" +
        "after Ctrl-C. Needs PostgreSQL's server programs, zstd, 12 GiB under the temporary folder and half an hour\n" +
        "(--quick: 4 GiB and some minutes); pgBackRest takes part where it is installed.\n" +
        "\nExamples:\n  $ ./lab bench dump --quick\n  $ ./lab bench dump --json > bench.json\n",
    )
    .action(async ({ quick = false, json = false }: Choice) => {
      const { measureAllDumps, quickSizes, wholeSizes } = await import("./bench/dump/all.ts");
      const { ways } = await import("./bench/dump/bounds.ts");
      const { endedBySignal } = await import("./bench/interrupt.ts");
      const say = (text: string) => void process.stderr.write(text);
      const { scenarios, bounds } = await endedBySignal((signal) =>
        measureAllDumps(quick ? quickSizes : wholeSizes, { say, signal }),
      );
      const rows = scenarios.flatMap(({ name, figures }) => {
        const pipeline = figures.find(({ way }) => way === ways.pipeline)?.seconds ?? Number.NaN;
        return figures.map((each) => ({ name, timesPipeline: each.seconds / pipeline, ...each }));
      });
      const table = formatTable(rows, [
        { title: "DATA", value: ({ name }) => name },
        { title: "WAY", value: ({ way }) => way },
        { title: "SECONDS", value: ({ seconds }) => seconds.toFixed(2), align: "right" },
        { title: "× PIPELINE", value: ({ timesPipeline }) => timesPipeline.toFixed(2), align: "right" },
        {
          title: "CPU SECONDS",
          value: ({ processorSeconds }) => processorSeconds.toFixed(2),
          align: "right",
        },
        { title: "MIB", value: ({ bytes }) => (bytes / 2 ** 20).toFixed(2), align: "right" },
        { title: "PEAK MIB", value: ({ peakMib }) => Math.round(peakMib), align: "right" },
      ]);
      await tell({ json, measurements: { scenarios }, table, bounds });
    });
}

function registerRules(bench: Command): void {
  bench
    .command("rules")
    .description("what a real Prometheus spends on the alert rules of 100, 300 and 1,000 instances")
    .option("--quick", "20 and 50 instances")
    .option("--json", "for scripts")
    .addHelpText(
      "after",
      "\nA Prometheus of its own scrapes a synthetic lab at the normal pace, with as much of a past as the rules look\n" +
        "back at, and evaluates the rules that the program would deliver. The exit code is 1 where all groups together\n" +
        "need more than 10 % of their intervals, where an evaluation is left out or fails, where time grows faster than\n" +
        "the lab, or where an alert fires though nothing is wrong. What was made is removed, also after Ctrl-C. Needs\n" +
        "12 GiB of memory, 4 GiB under the temporary folder and half an hour (--quick: 2 GiB and some\n" +
        "minutes); Prometheus is downloaded, or built once with optimisation.\n" +
        "\nExamples:\n  $ ./lab bench rules --quick\n  $ ./lab bench rules --json > bench.json\n",
    )
    .action(async ({ quick = false, json = false }: Choice) => {
      const { measureAllRules, quickSizes, wholeSizes } = await import("./bench/rules/all.ts");
      const { tablesOf } = await import("./bench/rules/tables.ts");
      const { endedBySignal } = await import("./bench/interrupt.ts");
      const say = (text: string) => void process.stderr.write(text);
      const { bounds, ...measurements } = await endedBySignal((signal) =>
        measureAllRules(quick ? quickSizes : wholeSizes, { say, signal }),
      );
      await tell({ json, measurements, table: tablesOf({ bounds, ...measurements }), bounds });
    });
}

interface Outcome {
  readonly json: boolean;
  readonly measurements: object;
  readonly table: string;
  readonly bounds: readonly Bound[];
}

/** Prints the figures and what became of each bound; the exit code says whether all hold. */
async function tell({ json, measurements, table, bounds }: Outcome): Promise<void> {
  const { holds } = await import("./bench/bounds.ts");
  if (json) process.stdout.write(`${JSON.stringify({ ...measurements, bounds }, null, 2)}\n`);
  else {
    // With so many digits that nothing exceeds what it seems to equal.
    const figure = (value: number, unit: string) =>
      `${+value.toFixed(value > 0.99 && value < 1.01 ? 6 : 2)}${unit}`;
    const goals = formatTable(bounds, [
      { title: "GOAL", value: ({ name }) => name },
      { title: "MEASURED", value: ({ value, unit }) => figure(value, unit), align: "right" },
      { title: "AT MOST", value: ({ most, unit }) => figure(most, unit), align: "right" },
      {
        title: "",
        value: (bound) => (holds(bound) ? "ok" : "EXCEEDED"),
        style: (bound) => (holds(bound) ? "green" : "red"),
      },
    ]);
    process.stdout.write(`${table}\n${goals}`);
  }
  if (!bounds.every(holds)) process.exitCode = 1;
}

/** The small ones several times, one after the other, so that a machine that is busy for a while spoils none alone. */
async function measurePreviews(quick: boolean) {
  const { measureEmpty, measureSite, measureStack } = await import("./bench/measure.ts");
  const say = (what: string) => process.stderr.write(`previewing ${what}\n`);
  say("an empty program");
  const empty = await measureEmpty(5);
  say("the stack lab");
  const small = await measureStack("lab", 5);
  const sites = [];
  for (const [guests, runs] of quick
    ? ([
        [10, 3],
        [100, 3],
      ] as const)
    : ([
        [10, 3],
        [100, 3],
        [1000, 1],
      ] as const)) {
    say(`a site of ${guests} guests`);
    sites.push(await measureSite(guests, runs));
  }
  return { empty, small, sites };
}
