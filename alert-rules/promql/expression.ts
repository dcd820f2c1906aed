/** Where a part of an expression begins and ends in its text. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Matcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** `metric{label="value"}`. */
export interface Selector extends Span {
  readonly kind: "selector";
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

/** `expression[5m]`, and `expression[1h:5m]` where it has a step. */
export interface Range extends Span {
  readonly kind: "range";
  readonly of: Expression;
  readonly isSubquery: boolean;
}

export interface Call extends Span {
  readonly kind: "call";
  readonly name: string;
  readonly arguments: readonly Expression[];
}

export interface Aggregation extends Span {
  readonly kind: "aggregation";
  readonly operator: string;
  /** What follows `by`; undefined without one. */
  readonly by: readonly string[] | undefined;
  /** What follows `without`; undefined without one. */
  readonly without: readonly string[] | undefined;
  readonly arguments: readonly Expression[];
}

export interface Binary extends Span {
  readonly kind: "binary";
  readonly operator: string;
  readonly operatorSpan: Span;
  readonly left: Expression;
  readonly right: Expression;
  readonly isBool: boolean;
  readonly on: readonly string[] | undefined;
  readonly ignoring: readonly string[] | undefined;
  readonly group: "left" | "right" | undefined;
  /** Labels that `group_left` or `group_right` takes from the other side. */
  readonly include: readonly string[];
}

export interface NumberLiteral extends Span {
  readonly kind: "number";
  readonly value: number;
}

export interface StringLiteral extends Span {
  readonly kind: "string";
  readonly value: string;
}

/** Parentheses, signs, `offset` and `@`: they change values or time, never labels. */
export interface Wrapped extends Span {
  readonly kind: "wrapped";
  readonly of: Expression;
}

/** A PromQL expression, without its white space and comments. */
export type Expression =
  | Selector
  | Range
  | Call
  | Aggregation
  | Binary
  | NumberLiteral
  | StringLiteral
  | Wrapped;

/** Operators that keep or drop samples by their value. */
export const comparisons: ReadonlySet<string> = new Set(["==", "!=", ">", "<", ">=", "<="]);

/** Operators on sets of series. */
export const setOperators: ReadonlySet<string> = new Set(["and", "or", "unless"]);

/** The parts of an expression that stand directly in it. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "range":
    case "wrapped":
      return [expression.of];
    case "call":
    case "aggregation":
      return expression.arguments;
    case "binary":
      return [expression.left, expression.right];
    default:
      return [];
  }
}

/** An expression and everything in it, outermost first. */
export function* walk(expression: Expression): Generator<Expression> {
  yield expression;
  for (const part of partsOf(expression)) yield* walk(part);
}

/** The expression inside parentheses, signs and shifts of time. */
export function unwrap(expression: Expression): Expression {
  return expression.kind === "wrapped" ? unwrap(expression.of) : expression;
}

/** All selectors in an expression. */
export function selectorsOf(expression: Expression): Selector[] {
  return [...walk(expression)].filter((part) => part.kind === "selector");
}
