import type { Alert, Recording } from "../rule.ts";

/** A rule that would not do what it promises. */
export interface RuleProblem {
  readonly rule: Alert | Recording;
  readonly message: string;
}

/** All that is wrong with a rule set, a line each: `alert-rules/x.ts:12: Name: what`. */
export class RuleError extends Error {
  override readonly name = "RuleError";
  readonly problems: readonly RuleProblem[];

  constructor(problems: readonly RuleProblem[]) {
    const lines = problems.map(
      ({ rule: { place, name }, message }) => `${place.file}:${place.line}: ${name}: ${message}`,
    );
    super([...new Set(lines)].join("\n"));
    this.problems = problems;
  }
}
