import { accessDenied } from "./errors.ts";
import type { ObjectFacts } from "./moto.ts";

/**
 * Whether the retention of a version may become another one: it can always be extended; governance mode can be
 * shortened or taken off only by who bypasses it, compliance mode by nobody (S3 user guide, "Object Lock", "Retention
 * modes").
 * @throws S3Error AccessDenied
 */
export function demandRetentionChange(
  object: ObjectFacts,
  document: string,
  bypasses: boolean,
  now: Date,
): void {
  const { lockMode, lockUntil } = object;
  if (lockMode === null || lockUntil === null || Date.parse(lockUntil) <= now.getTime()) return;
  const mode = /<Mode>(\w+)<\/Mode>/.exec(document)?.[1];
  const until = /<RetainUntilDate>([^<]+)<\/RetainUntilDate>/.exec(document)?.[1];
  const extends_ =
    until !== undefined &&
    Date.parse(until) >= Date.parse(lockUntil) &&
    (mode === lockMode || (lockMode === "GOVERNANCE" && mode === "COMPLIANCE"));
  if (extends_ || (lockMode === "GOVERNANCE" && bypasses)) return;
  throw accessDenied("Access Denied because object protected by object lock.");
}
