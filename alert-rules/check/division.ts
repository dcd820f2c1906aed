import { type Expression, unwrap, walk } from "../promql/expression.ts";

/** Sizes that are never zero while they exist. */
const neverZero: ReadonlySet<string> = new Set([
  "node_memory_MemTotal_bytes",
  "node_filesystem_size_bytes",
  "node_filesystem_files",
  "pg_settings_max_connections",
  "dbkeeper_backup_directory_size_bytes",
  "lab_backup_host_datastore_size_bytes",
  "lab_pbs_datastore_total_bytes",
]);

/**
 * Divisions whose divisor may be zero, or so small that the quotient means nothing: an idle lab trips these first.
 * What guards one is a comparison of the same divisor with a positive number, joined by `and`.
 */
export function unguardedDivisions(expression: Expression, text: string): string[] {
  const floors = new Set<string>();
  for (const part of walk(expression)) {
    if (part.kind !== "binary" || (part.operator !== ">" && part.operator !== ">=")) continue;
    const floor = unwrap(part.right);
    const isFloor = floor.kind === "number" && (floor.value > 0 || part.operator === ">");
    if (isFloor && !part.isBool) floors.add(plain(part.left, text));
  }
  return [...walk(expression)].flatMap((part) => {
    if (part.kind !== "binary" || (part.operator !== "/" && part.operator !== "%")) return [];
    const divisor = unwrap(part.right);
    if (divisor.kind === "number" || isNeverZero(divisor)) return [];
    if (isGuardedItself(divisor) || floors.has(plain(divisor, text))) return [];
    return [
      `nothing keeps the divisor from zero: add \`and ${plain(divisor, text)} > FLOOR\`, with how much traffic it takes to mean something`,
    ];
  });
}

function isNeverZero(divisor: Expression): boolean {
  if (divisor.kind === "selector") return neverZero.has(divisor.metric);
  if (divisor.kind === "aggregation")
    return divisor.arguments.every((argument) => isNeverZero(unwrap(argument)));
  return divisor.kind === "call" && divisor.name === "clamp_min";
}

function isGuardedItself(divisor: Expression): boolean {
  return (
    divisor.kind === "binary" && (divisor.operator === ">" || divisor.operator === ">=") && !divisor.isBool
  );
}

function plain(expression: Expression, text: string): string {
  const inner = unwrap(expression);
  return text.slice(inner.from, inner.to).replaceAll(/\s+/g, " ").trim();
}
