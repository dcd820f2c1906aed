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
const margin = { top: 44, right: 8, bottom: 24, left: 8 };

/**
 * Looks as attributes: printers and mail programs do not apply the page's style to a picture, and browsers let the style
 * win where both are there.
 */
const looks = {
  bar: 'fill="#3b6ea8"',
  bad: 'fill="#b3402e"',
  line: 'fill="none" stroke="#3b6ea8" stroke-width="2"',
  axis: 'stroke="#d5dae1" fill="none"',
} as const;

function label(
  x: number | string,
  y: number | string,
  text: string,
  kind: "middle" | "start" | "end",
  title = false,
): string {
  const look = title ? 'font-weight="600" fill="#1d2430"' : 'fill="#5c6675"';
  const name = title ? "title" : kind;
  return `<text class="${name}" x="${x}" y="${y}" text-anchor="${kind}" font-size="11" font-family="sans-serif" ${look}>${escapeHtml(text)}</text>`;
}

/** A bar chart as SVG that stands inside HTML: no script, no reference to anything outside of it. */
export function barChart(title: string, bars: readonly Bar[], format: (value: number) => string): string {
  const highest = Math.max(1, ...bars.map(({ value }) => value ?? 0));
  const step = (width - margin.left - margin.right) / Math.max(1, bars.length);
  const room = height - margin.top - margin.bottom;
  const drawn = bars.map(({ label: name, value, description, bad = false }, index) => {
    const tall = ((value ?? 0) / highest) * room;
    const left = margin.left + index * step;
    const top = height - margin.bottom - tall;
    const middle = (left + step / 2).toFixed(1);
    const shown = value === null ? "none" : format(value);
    return [
      `<g><title>${escapeHtml(description)}</title>`,
      `<rect class="${bad ? "bad" : "bar"}" ${looks[bad ? "bad" : "bar"]} x="${(left + step * 0.15).toFixed(1)}" y="${top.toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${tall.toFixed(1)}"/>`,
      label(middle, (top - 5).toFixed(1), shown, "middle"),
      `${label(middle, height - 8, name, "middle")}</g>`,
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
      `<polyline class="line" ${looks.line} points="${points.map(at).join(" ")}"/>`,
      label(margin.left, height - 8, `${day(first)}: ${format(first.value)}`, "start"),
      label(width - margin.right, height - 8, `${day(last)}: ${format(last.value)}`, "end"),
    ].join("\n"),
  );
}

function figure(title: string, content: string): string {
  const name = escapeHtml(title);
  return `<svg role="img" aria-label="${name}" viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg">
${label(margin.left, 14, title, "start", true)}
<path class="axis" ${looks.axis} d="M${margin.left} ${height - margin.bottom}H${width - margin.right}"/>
${content}
</svg>`;
}
