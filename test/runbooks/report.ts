import type { Block } from "./blocks.ts";
import type { Outcome } from "./run.ts";

/** What was run and what was not, for the log of a test. */
export function summaryOf(blocks: readonly Block[], outcomes: readonly Outcome[]): string {
  const reasons = new Map<string, number>();
  for (const { notHere } of blocks)
    if (notHere !== undefined) reasons.set(notHere, (reasons.get(notHere) ?? 0) + 1);
  const lines = outcomes.reduce((sum, { block }) => sum + block.text.split("\n").length, 0);
  const skipped = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const slowest = [...outcomes].sort((a, b) => b.seconds - a.seconds).slice(0, 3);
  return [
    `${outcomes.length} different blocks of runbooks ran (${lines} lines), for ${blocks.length - skipped} in the pages`,
    `slowest: ${slowest.map(({ block, seconds }) => `${placeOf(block)} ${seconds.toFixed(1)} s`).join(", ")}`,
    `${skipped} are not for a rehearsal:`,
    ...[...reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `  ${count} ${reason}`),
  ].join("\n");
}

/** Each block that does not help: where it is, why, what was typed and what came. */
export function failuresOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ block, problem, output }) =>
    problem === undefined
      ? []
      : [
          `${placeOf(block)} (${block.language} ${block.place}): ${problem}\n${indent(block.text, "$ ")}\n${indent(output.slice(-2000), "  ")}`,
        ],
  );
}

function placeOf({ page, line }: Block): string {
  return `${page}:${line}`;
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, `    ${by}`);
}
