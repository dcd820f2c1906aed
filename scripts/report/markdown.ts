import type { Report } from "./model.ts";
import { footnote, tablesOf, titleOf } from "./tables.ts";
import { escapeMarkdown, type Table, time } from "./text.ts";

/** A report as Markdown (CommonMark with tables). */
export function renderMarkdown(report: Report): string {
  const attention =
    report.attention.length === 0
      ? ["All is well."]
      : report.attention.map((line) => `- ${escapeMarkdown(line)}`);
  return `${[
    `# ${escapeMarkdown(titleOf(report))}`,
    `${time(report.from)} to ${time(report.to)}`,
    `## Needs attention\n\n${attention.join("\n")}`,
    ...tablesOf(report).map(section),
    escapeMarkdown(footnote),
  ].join("\n\n")}\n`;
}

function section({ title, columns, rows, empty }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  const table = [line(columns), `|${columns.map(() => " --- |").join("")}`, ...rows.map(line)].join("\n");
  return `## ${title}\n\n${rows.length === 0 ? empty : table}`;
}
