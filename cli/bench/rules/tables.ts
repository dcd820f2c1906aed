import { formatTable } from "../../terminal.ts";
import type { AllRules } from "./all.ts";
import { shareOf } from "./bounds.ts";

/** The figures of each size, then of the largest what takes longest, and what fires though nothing is wrong. */
export function tablesOf({ prometheus, labs }: AllRules): string {
  const sizes = formatTable(labs, [
    { title: "INSTANCES", value: ({ instances }) => instances, align: "right" },
    { title: "TARGETS", value: ({ targets }) => targets, align: "right" },
    { title: "RULES", value: ({ rules }) => rules, align: "right" },
    { title: "SERIES", value: ({ series }) => series, align: "right" },
    { title: "RECORDED", value: ({ recordedSeries }) => recordedSeries, align: "right" },
    { title: "SAMPLES/S", value: ({ samplesPerSecond }) => Math.round(samplesPerSecond), align: "right" },
    { title: "PEAK MIB", value: ({ peakMib }) => Math.round(peakMib), align: "right" },
    { title: "BUILT IN S", value: ({ buildSeconds }) => buildSeconds.toFixed(2), align: "right" },
    { title: "% OF INTERVAL", value: (lab) => shareOf(lab).toFixed(2), align: "right" },
    { title: "AT WORST", value: (lab) => shareOf(lab, "worstSeconds").toFixed(2), align: "right" },
    { title: "LOAD", value: ({ load }) => load.toFixed(1), align: "right" },
  ]);
  const { groups = [], slowestRules = [] } = labs.at(-1) ?? {};
  const share = (seconds: number, interval: number) => ((100 * seconds) / interval).toFixed(2);
  const slowest = groups
    .toSorted((a, b) => b.medianSeconds / b.intervalSeconds - a.medianSeconds / a.intervalSeconds)
    .slice(0, 10);
  const byGroup = formatTable(slowest, [
    { title: "GROUP", value: ({ group }) => group },
    { title: "RULES", value: ({ rules }) => rules, align: "right" },
    { title: "EVERY", value: ({ intervalSeconds }) => `${intervalSeconds} s`, align: "right" },
    { title: "SECONDS", value: ({ medianSeconds }) => medianSeconds.toFixed(3), align: "right" },
    { title: "AT WORST", value: ({ worstSeconds }) => worstSeconds.toFixed(3), align: "right" },
    {
      title: "% OF INTERVAL",
      value: ({ medianSeconds, intervalSeconds }) => share(medianSeconds, intervalSeconds),
      align: "right",
    },
  ]);
  const byRule = formatTable(slowestRules, [
    { title: "RULE", value: ({ name }) => name },
    { title: "GROUP", value: ({ group }) => group },
    { title: "SECONDS", value: ({ seconds }) => seconds.toFixed(3), align: "right" },
  ]);
  const firing = labs.flatMap(({ instances, firing }) =>
    firing.map((alert) => `fires in a healthy lab of ${instances} instances: ${alert}\n`),
  );
  return `Prometheus ${prometheus}\n\n${sizes}\n${byGroup}\n${byRule}${firing.length > 0 ? `\n${firing.join("")}` : ""}`;
}
