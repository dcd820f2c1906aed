import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import type { Aggregation, Binary, Expression, Matcher, Selector } from "./expression.ts";

/** PromQL that Prometheus would refuse; the message quotes the place. */
export class PromqlError extends Error {
  override readonly name = "PromqlError";
}

/**
 * Reads an expression with Prometheus' own grammar.
 *
 * @throws {PromqlError} where it is not PromQL
 */
export function parseExpression(text: string): Expression {
  const tree = parser.parse(text);
  let broken: number | undefined;
  tree.iterate({
    enter({ type, from }) {
      if (type.isError) broken ??= from;
    },
  });
  if (broken !== undefined) throw new PromqlError(`syntax error at ${quotePlace(text, broken)}`);
  const top = tree.topNode.firstChild;
  if (!top) throw new PromqlError("the expression is empty");
  return new Reader(text).expression(top);
}

function quotePlace(text: string, at: number): string {
  const rest = text.slice(at, at + 30).trim();
  return rest === "" ? `the end of: ${text}` : `"${rest}" in: ${text}`;
}

const aggregations = new Set(["AggregateExpr"]);
const wrappers = new Set(["ParenExpr", "UnaryExpr", "OffsetExpr", "StepInvariantExpr"]);

class Reader {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  expression(node: SyntaxNode): Expression {
    const { name, from, to } = node;
    if (name === "VectorSelector") return this.#selector(node);
    if (name === "MatrixSelector" || name === "SubqueryExpr") {
      return { kind: "range", of: this.#first(node), isSubquery: name === "SubqueryExpr", from, to };
    }
    if (name === "FunctionCall") {
      const called = this.#slice(this.#child(node, "FunctionIdentifier"));
      return { kind: "call", name: called, arguments: this.#arguments(node), from, to };
    }
    if (aggregations.has(name)) return this.#aggregation(node);
    if (name === "BinaryExpr") return this.#binary(node);
    if (name === "NumberDurationLiteral") {
      return { kind: "number", value: numberOf(this.#slice(node)), from, to };
    }
    if (name === "StringLiteral") return { kind: "string", value: unquote(this.#slice(node)), from, to };
    if (wrappers.has(name)) return { kind: "wrapped", of: this.#first(node), from, to };
    throw new PromqlError(`${name} is not understood: ${this.#slice(node)}`);
  }

  #selector(node: SyntaxNode): Selector {
    const identifier = node.getChild("Identifier");
    const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
    return {
      kind: "selector",
      metric: identifier ? this.#slice(identifier) : "",
      matchers: matchers.map((matcher) => ({
        label: this.#slice(this.#child(matcher, "LabelName")),
        operator: this.#slice(this.#child(matcher, "MatchOp")) as Matcher["operator"],
        value: unquote(this.#slice(this.#child(matcher, "StringLiteral"))),
      })),
      from: node.from,
      to: node.to,
    };
  }

  #aggregation(node: SyntaxNode): Aggregation {
    const modifier = node.getChild("AggregateModifier");
    const labels = modifier ? this.#labels(this.#child(modifier, "GroupingLabels")) : undefined;
    return {
      kind: "aggregation",
      operator: this.#slice(this.#child(node, "AggregateOp")),
      by: modifier?.getChild("By") ? labels : undefined,
      without: modifier?.getChild("Without") ? labels : undefined,
      arguments: this.#arguments(node),
      from: node.from,
      to: node.to,
    };
  }

  #binary(node: SyntaxNode): Binary {
    const [left, right] = node.getChildren("Expr");
    const operator = left?.nextSibling;
    if (!left || !right || !operator) throw new PromqlError(`an operand is missing: ${this.#slice(node)}`);
    const matching = node.getChild("MatchingModifierClause");
    const [labels, include] = (matching?.getChildren("GroupingLabels") ?? []).map((list) =>
      this.#labels(list),
    );
    return {
      kind: "binary",
      operator: this.#slice(operator).toLowerCase(),
      operatorSpan: { from: operator.from, to: operator.to },
      left: this.expression(left),
      right: this.expression(right),
      isBool: node.getChild("BoolModifier") !== null,
      on: matching?.getChild("On") ? labels : undefined,
      ignoring: matching?.getChild("Ignoring") ? labels : undefined,
      group: matching?.getChild("GroupLeft")
        ? "left"
        : matching?.getChild("GroupRight")
          ? "right"
          : undefined,
      include: include ?? [],
      from: node.from,
      to: node.to,
    };
  }

  #arguments(node: SyntaxNode): Expression[] {
    return this.#child(node, "FunctionCallBody")
      .getChildren("Expr")
      .map((argument) => this.expression(argument));
  }

  #labels(node: SyntaxNode): string[] {
    return node.getChildren("LabelName").map((label) => this.#slice(label));
  }

  #first(node: SyntaxNode): Expression {
    return this.expression(this.#child(node, "Expr"));
  }

  #child(node: SyntaxNode, name: string): SyntaxNode {
    const child = node.getChild(name);
    if (!child) throw new PromqlError(`a part is missing: ${this.#slice(node)}`);
    return child;
  }

  #slice({ from, to }: { from: number; to: number }): string {
    return this.#text.slice(from, to);
  }
}

function unquote(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  return text.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}

const durationSeconds: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

function numberOf(text: string): number {
  const plain = Number(text.replaceAll("_", ""));
  if (!Number.isNaN(plain) || /^[-+]?nan$/i.test(text)) return plain;
  if (/^[-+]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  const seconds = [...text.matchAll(/(\d+)(ms|[smhdwy])/g)].map(
    ([, amount, unit]) => Number(amount) * (durationSeconds[unit ?? ""] ?? Number.NaN),
  );
  return (text.startsWith("-") ? -1 : 1) * seconds.reduce((sum, part) => sum + part, 0);
}
