import { formatBytes, formatSeconds } from "../events.ts";
import type { Expectation } from "./forecast.ts";
import type { Counts } from "./model.ts";

/** A table of a report: the same in Markdown and HTML. Cells are plain text. */
export interface Table {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  /** Said where there are no rows. */
  empty: string;
}

/** What is shown where there is nothing. */
export const nothing = "–";

/** Text in HTML, as content or in a quoted attribute. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return visible(text).replaceAll(/[&<>"']/g, (character) => names[character] ?? character);
}

/** Text in an item of a list, without any meaning of its own, and else as it is. */
export function escapeMarkdown(text: string): string {
  return escapeCell(text).replace(/^(\s*)([-+#])/, "$1\\$2");
}

/** Text in a cell of a Markdown table, where nothing can begin that begins a line. */
export function escapeCell(text: string): string {
  return visible(text).replaceAll(
    /[\\`*{}[\]<>|~&]|(?<![\p{L}\d])_|_(?![\p{L}\d])/gu,
    (character) => `\\${character}`,
  );
}

/** Control characters as their pictures, and what turns the direction of text as a box: a name shows what it is. */
function visible(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\u2421";
    })
    .replaceAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\u25a1");
}

/** Bytes, or a dash. */
export function bytes(value: number | null): string {
  return value === null ? nothing : formatBytes(Math.round(value));
}

/** Seconds, or a dash. */
export function seconds(value: number | null): string {
  return value === null ? nothing : formatSeconds(value);
}

/** A time to the minute, or a dash. */
export function time(value: string | null): string {
  return value === null ? nothing : `${value.slice(0, 16).replace("T", " ")} UTC`;
}

/** How a figure changed against the period before. */
export function change(now: number | null, before: number | null): string {
  if (now === null || before === null || before === 0) return nothing;
  const percent = Math.round((now / before - 1) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
}

/** A forecast as its value and its bounds. */
export function expectation(value: Expectation | undefined): string {
  if (value === undefined) return nothing;
  const [low, likely, high] = [bytes(value.low), bytes(value.value), bytes(value.high)];
  return low === high ? likely : `${likely} (${low} to ${high})`;
}

/** Part of the runs that a count is, in percent. */
export function share(part: number, { runs }: Pick<Counts, "runs">): string {
  return runs === 0 ? nothing : `${part} (${((part / runs) * 100).toFixed(0)} %)`;
}
