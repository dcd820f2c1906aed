import type { Family, Source } from "../../alert-rules/metrics/catalogue.ts";
import { familiesIn } from "./exposition.ts";

/**
 * Where a page of metrics does not keep what the catalogue says of its exporter, a sentence a case: a family that is
 * gone, another type, a label that no series has. More than the catalogue knows is no breach. `role` is the server's,
 * where families are said to be at servers of some roles only.
 */
export function breaches(source: Source, page: string, role?: string): string[] {
  const shown = familiesIn(page);
  return Object.entries(source.metrics)
    .filter(([, { roles }]) => roles === undefined || role === undefined || roles.includes(role))
    .flatMap(([name, family]) => breachesOf(name, family, shown.get(name)));
}

function breachesOf(name: string, expected: Family, shown: Family | undefined): string[] {
  if (!shown) return [`${name} is gone`];
  const missing = expected.labels.filter((label) => !shown.labels.includes(label));
  return [
    ...(shown.type === expected.type ? [] : [`${name} is a ${shown.type}, no longer a ${expected.type}`]),
    ...missing.map((label) => `${name} has no label ${label} any more`),
  ];
}
