/** A condition on one label, as Alertmanager takes it since 0.22. */
export interface Matcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** For example `severity="critical"`. */
export function matcherText({ label, operator, value }: Matcher): string {
  return `${label}${operator}${JSON.stringify(value)}`;
}

export const is = (label: string, value: string): Matcher => ({ label, operator: "=", value });
export const isNot = (label: string, value: string): Matcher => ({ label, operator: "!=", value });

/** One of several values; a regular expression is anchored at both ends by Alertmanager itself. */
export function isOneOf(label: string, values: readonly string[]): Matcher {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return is(label, only);
  return { label, operator: "=~", value: values.map(escaped).join("|") };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
