import type { Command } from "commander";
import { formatTable, paint } from "./terminal.ts";

/** `lab bench preview`: what a preview costs, beside a program that does nothing. */
export function register(program: Command): void {
  program
    .command("bench")
    .description("measure what the program costs")
    .addHelpText("after", "\nExample:\n  $ ./lab bench preview --quick\n")
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
    .action(async ({ quick = false, json = false }: { quick?: boolean; json?: boolean }) => {
      const { boundsOf, holds } = await import("./bench/bounds.ts");
      const measurements = await measureAll(quick);
      const bounds = boundsOf(measurements);
      if (json) process.stdout.write(`${JSON.stringify({ ...measurements, bounds }, null, 2)}\n`);
      else {
        const { empty, small, sites } = measurements;
        process.stdout.write(
          formatTable(
            [empty, small, ...sites],
            [
              { title: "PROGRAM", value: ({ program }) => program },
              { title: "SECONDS", value: ({ seconds }) => seconds.toFixed(2), align: "right" },
              {
                title: "× EMPTY",
                value: ({ seconds }) => (seconds / empty.seconds).toFixed(2),
                align: "right",
              },
              { title: "PEAK MIB", value: ({ peakMib }) => Math.round(peakMib), align: "right" },
              { title: "RESOURCES", value: ({ resources }) => resources, align: "right" },
            ],
          ),
        );
        for (const bound of bounds) {
          const verdict = holds(bound) ? paint("green", "ok") : paint("red", "EXCEEDED");
          const figure = (value: number) => `${+value.toFixed(2)}${bound.unit}`;
          process.stdout.write(
            `${verdict}: ${bound.name}: ${figure(bound.value)}, at most ${figure(bound.most)}\n`,
          );
        }
      }
      if (!bounds.every(holds)) process.exitCode = 1;
    });
}

/** The small ones several times, one after the other, so that a machine that is busy for a while spoils none alone. */
async function measureAll(quick: boolean) {
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
