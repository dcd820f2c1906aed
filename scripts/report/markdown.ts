import type { Report } from "./model.ts";
import { footnote, tablesOf, titleOf, verdictOf } from "./tables.ts";
import { escapeCell, escapeMarkdown, type Table, time } from "./text.ts";

/** A report as Markdown (CommonMark with tables). */
export function renderMarkdown(report: Report): string {
  const attention = report.attention.map((line) => `- ${escapeMarkdown(line)}`).join("\n");
  return `${[
    `# ${escapeMarkdown(titleOf(report))}`,
    `**${escapeMarkdown(verdictOf(report))}**`,
    `${time(report.from)} to ${time(report.to)}`,
    ...(attention === "" ? [] : [`## Needs attention\n\n${attention}`]),
    ...tablesOf(report).map(section),
    escapeMarkdown(footnote),
  ].join("\n\n")}\n`;
}

function section({ title, columns, rows, empty }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(" | ")} |`;
  const table = [line(columns), `|${columns.map(() => " --- |").join("")}`, ...rows.map(line)].join("\n");
  return `## ${title}\n\n${rows.length === 0 ? empty : table}`;
}
