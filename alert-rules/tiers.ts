import type { Lab } from "./lab.ts";
import type { Limit } from "./limit.ts";
import type { Alert } from "./rule.ts";
import type { FigureName } from "./thresholds.ts";

/** What differs between the tiers of one alert. */
export interface Tier {
  readonly severity: "warning" | "critical";
  readonly limit: Limit;
}

/** The same alert at two severities, in the same words: what differs is the figure it compares with. */
export function tiers(
  lab: Lab,
  figures: Readonly<Record<Tier["severity"], FigureName>>,
  alertAt: (tier: Tier) => Alert,
): Alert[] {
  return (["warning", "critical"] as const).map((severity) =>
    alertAt({ severity, limit: lab.limit(figures[severity]) }),
  );
}
