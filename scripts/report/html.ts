import { formatBytes, formatSeconds } from "../events.ts";
import { barChart, lineChart } from "./charts.ts";
import type { Report } from "./model.ts";
import { footnote, tablesOf, titleOf, verdictOf } from "./tables.ts";
import { escapeHtml, type Table, time } from "./text.ts";

const style = `
:root{color-scheme:light dark;--ink:#1d2430;--dim:#5c6675;--line:#d5dae1;--bar:#3b6ea8;--bad:#b3402e;--page:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--dim:#9aa4b2;--line:#39424f;--bar:#7aa7dc;--bad:#e58873;--page:#15191f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p.period,p.note{color:var(--dim)}p.note{font-size:.85rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
td:first-child{white-space:normal;overflow-wrap:break-word;min-width:6.5rem}th{color:var(--dim);font-weight:600}
p.verdict{font-size:1.1rem;font-weight:600;margin:.75rem 0}p.bad{color:var(--bad)}ul.attention{padding-left:1.2rem}ul.attention li{color:var(--bad)}
svg{display:block;width:100%;max-width:40rem;margin:1rem 0}svg text{font:11px system-ui,sans-serif;fill:var(--dim);text-anchor:middle}
svg .title{fill:var(--ink);font-weight:600}svg .title,svg .start{text-anchor:start}svg .end{text-anchor:end}@page{margin:1.5cm;size:A4 landscape}
svg .bar{fill:var(--bar)}svg .bad{fill:var(--bad)}svg .axis{stroke:var(--line)}svg .line{fill:none;stroke:var(--bar);stroke-width:2}
`;

/** Sizes of one database over time, for its chart. */
export interface SizeSeries {
  database: string;
  points: readonly { seconds: number; value: number }[];
}

/** A report as one HTML file that needs nothing else: no script, no font, no address. */
export function renderHtml(report: Report, series: readonly SizeSeries[]): string {
  const title = escapeHtml(titleOf(report));
  const attention =
    report.attention.length === 0
      ? ""
      : `<h2>Needs attention</h2>\n<ul class="attention">\n${report.attention.map((line) => `<li>${escapeHtml(line)}</li>`).join("\n")}\n</ul>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
<p class="verdict${report.attention.length === 0 ? "" : " bad"}">${escapeHtml(verdictOf(report))}</p>
<p class="period">${time(report.from)} to ${time(report.to)}</p>
${attention}
${chartsOf(report).join("\n")}
${tablesOf(report).map(section).join("\n")}
${series.map(({ database, points }) => lineChart(`Size of ${database}`, points, formatBytes)).join("\n")}
<p class="note">${escapeHtml(footnote)}</p>
</body>
</html>
`;
}

function chartsOf({ sevenDays }: Report): string[] {
  const bars = (value: (day: Report["sevenDays"][number]) => number | null) =>
    sevenDays.map((day) => ({
      label: day.date.slice(5),
      value: value(day),
      description: `${day.date}: ${day.runs} runs, ${day.complete} complete, ${day.proven} proven`,
      bad: day.runs === 0 || day.proven < day.runs,
    }));
  return [
    barChart(
      "Duration of the dumps, seven days",
      bars((day) => day.meanDurationSeconds),
      formatSeconds,
    ),
    barChart(
      "Size of a run, seven days",
      bars((day) => day.meanDumpBytes),
      (value) => formatBytes(Math.round(value)),
    ),
  ];
}

function section({ title, columns, rows, empty }: Table): string {
  const cells = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${tag}>${escapeHtml(text)}</${tag}>`).join("")}</tr>`;
  const table = `<div class="scroll"><table>\n<thead>${cells("th", columns)}</thead>\n<tbody>\n${rows
    .map((row) => cells("td", row))
    .join("\n")}\n</tbody>\n</table></div>`;
  return `<h2>${escapeHtml(title)}</h2>\n${rows.length === 0 ? `<p>${escapeHtml(empty)}</p>` : table}`;
}
