import type { Family } from "../metrics/family.ts";
import { gauge, sample } from "./gauge.ts";

/** Nothing can be asked here for a key that lies in a safe: the program was told, and hands it on. */
export function keyEscrowFamily(checks: Readonly<Record<string, number>>): Family {
  return gauge(
    "key_escrow_checked_timestamp_seconds",
    "When it was last seen that the kept key of a storage's backups fits; 0 where it never was.",
    Object.entries(checks).map(([storage, checkedAt]) => sample({ storage }, checkedAt)),
  );
}
