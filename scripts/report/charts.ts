import { escapeHtml } from "./text.ts";

/** One bar of a chart. */
export interface Bar {
  label: string;
  /** `null`: there is nothing to show. */
  value: number | null;
  /** Said where a pointer rests on the bar. */
  description: string;
  /** A bar that is not as it should be. */
  bad?: boolean;
}

const width = 640;
const height = 180;
const margin = { top: 28, right: 8, bottom: 24, left: 8 };

/** A bar chart as SVG that stands inside HTML: no script, no reference to anything outside of it. */
export function barChart(title: string, bars: readonly Bar[], format: (value: number) => string): string {
  const highest = Math.max(1, ...bars.map(({ value }) => value ?? 0));
  const step = (width - margin.left - margin.right) / Math.max(1, bars.length);
  const room = height - margin.top - margin.bottom;
  const drawn = bars.map(({ label, value, description, bad = false }, index) => {
    const tall = ((value ?? 0) / highest) * room;
    const left = margin.left + index * step;
    const top = height - margin.bottom - tall;
    const middle = (left + step / 2).toFixed(1);
    const shown = value === null ? "" : format(value);
    return [
      `<g><title>${escapeHtml(description)}</title>`,
      `<rect class="${bad ? "bad" : "bar"}" x="${(left + step * 0.15).toFixed(1)}" y="${top.toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${tall.toFixed(1)}"/>`,
      `<text x="${middle}" y="${(top - 5).toFixed(1)}">${escapeHtml(shown)}</text>`,
      `<text x="${middle}" y="${height - 8}">${escapeHtml(label)}</text></g>`,
    ].join("");
  });
  return figure(title, drawn.join("\n"));
}

/** A value in a line chart. */
export interface ChartPoint {
  /** Unix time. */
  seconds: number;
  value: number;
}

/** A line chart of one series as SVG, from its lowest time to its highest, the value axis from 0. */
export function lineChart(
  title: string,
  points: readonly ChartPoint[],
  format: (value: number) => string,
): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first === last) return "";
  const highest = Math.max(1, ...points.map(({ value }) => value));
  const span = Math.max(1, last.seconds - first.seconds);
  const at = ({ seconds, value }: ChartPoint) => {
    const x = margin.left + ((seconds - first.seconds) / span) * (width - margin.left - margin.right);
    const y = height - margin.bottom - (value / highest) * (height - margin.top - margin.bottom);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  const day = ({ seconds }: ChartPoint) => new Date(seconds * 1000).toISOString().slice(0, 10);
  return figure(
    title,
    [
      `<polyline class="line" points="${points.map(at).join(" ")}"/>`,
      `<text class="start" x="${margin.left}" y="${height - 8}">${day(first)}: ${escapeHtml(format(first.value))}</text>`,
      `<text class="end" x="${width - margin.right}" y="${height - 8}">${day(last)}: ${escapeHtml(format(last.value))}</text>`,
    ].join("\n"),
  );
}

function figure(title: string, content: string): string {
  const name = escapeHtml(title);
  return `<svg role="img" aria-label="${name}" viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg">
<text class="title" x="${margin.left}" y="14">${name}</text>
<path class="axis" d="M${margin.left} ${height - margin.bottom}H${width - margin.right}"/>
${content}
</svg>`;
}
