import { wildcard } from "./wildcard.ts";

/** Condition keys of a request in lower case, with their values. */
export type Context = ReadonlyMap<string, string>;

type Value = string | boolean | number;

/** Holds for one value of the request and one of the policy. */
const operators: Readonly<Record<string, (actual: string, wanted: string) => boolean>> = {
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringEquals: (actual, wanted) => actual === wanted,
  StringEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringLike: (actual, wanted) => wildcard(wanted, actual),
  ArnEquals: (actual, wanted) => wildcard(wanted, actual),
  ArnLike: (actual, wanted) => wildcard(wanted, actual),
  NumericEquals: (actual, wanted) => Number(actual) === Number(wanted),
  NumericLessThan: (actual, wanted) => Number(actual) < Number(wanted),
  NumericLessThanEquals: (actual, wanted) => Number(actual) <= Number(wanted),
  NumericGreaterThan: (actual, wanted) => Number(actual) > Number(wanted),
  NumericGreaterThanEquals: (actual, wanted) => Number(actual) >= Number(wanted),
};

const negated: Readonly<Record<string, string>> = {
  StringNotEquals: "StringEquals",
  StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
  StringNotLike: "StringLike",
  ArnNotEquals: "ArnEquals",
  ArnNotLike: "ArnLike",
  NumericNotEquals: "NumericEquals",
};

/** Whether a condition operator is one of those that are evaluated here. */
export function isKnownOperator(operator: string): boolean {
  const name = operator.replace(/IfExists$/, "");
  return operator === "Null" || name in operators || name in negated;
}

/**
 * Whether every condition of a statement holds. Several values of one key are alternatives, for a negated operator
 * none of them may match; where the key is absent a negated operator holds, `…IfExists` holds, and any other does not
 * (AWS, IAM user guide, "IAM JSON policy elements: Condition operators").
 */
export function conditionsHold(
  conditions: Readonly<Record<string, Readonly<Record<string, Value | readonly Value[]>>>>,
  context: Context,
): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) =>
      holds(operator, context.get(key.toLowerCase()), [wanted].flat().map(String)),
    ),
  );
}

function holds(operator: string, actual: string | undefined, wanted: readonly string[]): boolean {
  if (operator === "Null") return wanted.includes(String(actual === undefined));
  const name = operator.replace(/IfExists$/, "");
  const positive = negated[name];
  if (actual === undefined) return operator.endsWith("IfExists") || positive !== undefined;
  const matches = operators[positive ?? name];
  if (matches === undefined) throw new Error(`the condition operator ${operator} is not known`);
  const found = wanted.some((value) => matches(actual, value));
  return positive === undefined ? found : !found;
}
