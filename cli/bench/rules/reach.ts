import { type Expression, partsOf } from "../../../alert-rules/promql/expression.ts";
import { parseExpression } from "../../../alert-rules/promql/parse.ts";
import type { RuleGroup } from "../../../alert-rules/rule.ts";

/** A piece of the past, in seconds before now. */
export interface Span {
  readonly from: number;
  /** Nearer to now than `from`, or now itself: 0. */
  readonly to: number;
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** What rules read of each metric: the windows that they look at, oldest first; from 0 to 0 where the newest is enough. */
export function reachOf(groups: readonly RuleGroup[]): ReadonlyMap<string, readonly Span[]> {
  const reach = new Map<string, Span[]>();
  for (const { expression } of groups.flatMap(({ rules }) => rules))
    look(parseExpression(expression), expression, { from: 0, to: 0 }, reach);
  return reach;
}

/** The same spans without those that others hold, each so many seconds wider on both sides. */
export function widened(spans: readonly Span[], by: number): Span[] {
  const sorted = spans.map(({ from, to }) => ({ from: from + by, to: Math.max(0, to - by) }));
  const kept: Span[] = [];
  for (const span of sorted.toSorted((a, b) => b.from - a.from)) {
    const last = kept.at(-1);
    if (!last || span.from < last.to) kept.push(span);
    else kept.splice(-1, 1, { from: last.from, to: Math.min(last.to, span.to) });
  }
  return kept;
}

function look(part: Expression, text: string, span: Span, reach: Map<string, Span[]>): void {
  if (part.kind === "selector") {
    const spans = reach.get(part.metric) ?? [];
    if (!spans.some(({ from, to }) => from === span.from && to === span.to))
      reach.set(part.metric, [...spans, span]);
  }
  // What stands behind the inner expression says by how much it is widened or moved.
  const more = "of" in part ? durationIn(text.slice(part.of.to, part.to)) : 0;
  if (part.kind === "wrapped" && part.of.kind === "binary" && more > 0) {
    // The grammar puts an offset around all that stands before it; it means the last operand.
    look(part.of.left, text, span, reach);
    look({ ...part, of: part.of.right }, text, span, reach);
    return;
  }
  const inside = { from: span.from + more, to: span.to + (part.kind === "wrapped" ? more : 0) };
  for (const inner of partsOf(part)) look(inner, text, inside, reach);
}

function durationIn(text: string): number {
  const [, count, unit = ""] = /(\d+)([smhd])/.exec(text) ?? [];
  return Number(count ?? 0) * (secondsOf[unit] ?? 0);
}
